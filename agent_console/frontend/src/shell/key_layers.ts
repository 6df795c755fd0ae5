/** Layers over the desk get the keys first, the topmost before the others; the desk's own keys come after them. */
import { onBeforeUnmount, onMounted } from "vue";

/** True when the key was for this layer. */
export type Layer = (event: KeyboardEvent) => boolean;

const layers: Layer[] = [];

export function onLayerKeys(layer: Layer): void {
  onMounted(() => layers.push(layer));
  onBeforeUnmount(() => layers.splice(layers.indexOf(layer), 1));
}

export const anyLayer = (): boolean => layers.length > 0;

export const offeredToLayer = (event: KeyboardEvent): boolean => layers.at(-1)?.(event) ?? false;

/** Whether Enter belongs to what has the focus: a text field that has its own use for it, or a button. */
export const actsByItself = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target instanceof HTMLButtonElement || target instanceof HTMLTextAreaElement);

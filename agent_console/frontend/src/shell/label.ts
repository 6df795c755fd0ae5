/** `v-label="text"`: names the input inside a widget that offers no way to name it. */
import type { Directive } from "vue";

function name(root: HTMLElement, text: string): void {
  root.querySelector("input")?.setAttribute("aria-label", text);
}

export const vLabel: Directive<HTMLElement, string> = {
  mounted: (root, { value }) => name(root, value),
  updated: (root, { value }) => name(root, value),
};

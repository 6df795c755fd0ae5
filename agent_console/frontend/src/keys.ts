/** Which key does what; silent while an input method is composing; a submission at most once a second (pure). */

export type KeyAction =
  | "help"
  | "answer"
  | "hangUp"
  | "hold"
  | "mute"
  | "emergency"
  | "transfer"
  | "submit"
  | "save"
  | "acceptField"
  | "acceptAll";

export interface KeyPress {
  key: string;
  keyCode?: number;
  ctrlKey: boolean;
  shiftKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  isComposing: boolean;
  repeat?: boolean;
}

/** As pressed and as shown in the list of keys. */
export const KEYS: readonly { action: KeyAction; press: string }[] = [
  { action: "answer", press: "F2" },
  { action: "hangUp", press: "F4" },
  { action: "hold", press: "F8" },
  { action: "mute", press: "F9" },
  { action: "emergency", press: "Ctrl+E" },
  { action: "transfer", press: "Ctrl+K" },
  { action: "submit", press: "Ctrl+Enter" },
  { action: "save", press: "Ctrl+S" },
  { action: "acceptField", press: "Alt+Enter" },
  { action: "acceptAll", press: "Ctrl+Shift+Enter" },
  { action: "help", press: "F1" },
];

const BY_PRESS = new Map(KEYS.map((each) => [each.press.toLowerCase(), each.action]));
const DESTRUCTIVE: ReadonlySet<KeyAction> = new Set<KeyAction>(["submit"]);
const THROTTLE_MS = 1000;
const IME_KEY_CODE = 229;

export const composing = (press: KeyPress): boolean =>
  press.isComposing || press.key === "Process" || press.keyCode === IME_KEY_CODE;

function written(press: KeyPress): string {
  const parts: string[] = [];
  if (press.ctrlKey || press.metaKey) parts.push("ctrl");
  if (press.altKey) parts.push("alt");
  if (press.shiftKey) parts.push("shift");
  parts.push(press.key.toLowerCase());
  return parts.join("+");
}

/** F5 and Ctrl+R lose the page; in a call they are swallowed. */
export const reloads = (press: KeyPress): boolean => ["f5", "ctrl+f5", "ctrl+r", "ctrl+shift+r"].includes(written(press));

export class KeyMap {
  private readonly lastAt = new Map<KeyAction, number>();

  /** `known` keys are ours even when nothing is done, so that the browser does not act on them. */
  match(press: KeyPress, now: number): { known: boolean; action: KeyAction | null } {
    if (composing(press)) return { known: false, action: null };
    const action = BY_PRESS.get(written(press));
    if (action === undefined) return { known: false, action: null };
    if (press.repeat === true) return { known: true, action: null };
    if (DESTRUCTIVE.has(action)) {
      const last = this.lastAt.get(action);
      if (last !== undefined && now - last < THROTTLE_MS) return { known: true, action: null };
      this.lastAt.set(action, now);
    }
    return { known: true, action };
  }
}

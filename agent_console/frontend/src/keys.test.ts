import { describe, expect, it } from "vitest";
import { KeyMap, type KeyPress, KEYS, reloads } from "./keys";

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key,
  ctrlKey: false,
  shiftKey: false,
  altKey: false,
  metaKey: false,
  isComposing: false,
  ...more,
});

describe("keys", () => {
  it("do what the list says", () => {
    const map = new KeyMap();
    expect(map.match(press("F2"), 0).action).toBe("answer");
    expect(map.match(press("Enter", { ctrlKey: true }), 0).action).toBe("submit");
    expect(map.match(press("Enter", { ctrlKey: true, shiftKey: true }), 0).action).toBe("acceptAll");
    expect(map.match(press("S", { ctrlKey: true }), 0).action).toBe("save");
    expect(map.match(press("Enter"), 0)).toEqual({ known: false, action: null });
  });

  it("are each given to one action", () => {
    expect(new Set(KEYS.map((each) => each.press)).size).toBe(KEYS.length);
    expect(new Set(KEYS.map((each) => each.action)).size).toBe(KEYS.length);
  });

  it.each([
    ["while composing", { isComposing: true }],
    ["as the old key code of an input method", { keyCode: 229 }],
  ])("are the input method's %s", (_, more) => {
    expect(new KeyMap().match(press("Enter", { ctrlKey: true, ...more }), 0)).toEqual({ known: false, action: null });
  });

  it("named Process are the input method's", () => {
    expect(new KeyMap().match(press("Process", { ctrlKey: true }), 0).action).toBeNull();
  });

  it("that submit act at most once a second, and are swallowed meanwhile", () => {
    const map = new KeyMap();
    const submit = press("Enter", { ctrlKey: true });
    expect(map.match(submit, 0).action).toBe("submit");
    expect(map.match(submit, 999)).toEqual({ known: true, action: null });
    expect(map.match(submit, 1000).action).toBe("submit");
    expect(map.match(press("F9"), 1001).action).toBe("mute");
    expect(map.match(press("F9"), 1002).action).toBe("mute");
  });

  it("held down act once", () => {
    expect(new KeyMap().match(press("F8", { repeat: true }), 0)).toEqual({ known: true, action: null });
  });

  it("that reload the page are known", () => {
    expect(reloads(press("F5"))).toBe(true);
    expect(reloads(press("R", { ctrlKey: true }))).toBe(true);
    expect(reloads(press("r"))).toBe(false);
  });
});

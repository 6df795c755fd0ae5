import { describe, expect, it } from "vitest";
import { HangUpGuard } from "./hang_up";

describe("hanging up", () => {
  it("alone with the citizen takes one press, and at most one a second", () => {
    const guard = new HangUpGuard();
    expect(guard.press(0, false)).toBe("hang_up");
    expect(guard.press(999, false)).toBe("ignored");
    expect(guard.press(1000, false)).toBe("hang_up");
  });

  it("with others in the call takes two presses within two seconds", () => {
    const guard = new HangUpGuard();
    expect(guard.press(0, true)).toBe("armed");
    expect(guard.armedUntil).toBe(2000);
    expect(guard.press(2000, true)).toBe("hang_up");
    expect(guard.armedUntil).toBeNull();
  });

  it("that comes too late begins again", () => {
    const guard = new HangUpGuard();
    guard.press(0, true);
    expect(guard.press(2001, true)).toBe("armed");
    expect(guard.press(2400, true)).toBe("hang_up");
  });

  it("by a key that bounces is one press", () => {
    const guard = new HangUpGuard();
    guard.press(0, true);
    expect(guard.press(60, true)).toBe("ignored");
    expect(guard.press(400, true)).toBe("hang_up");
  });
});

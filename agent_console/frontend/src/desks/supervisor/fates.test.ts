import { expect, it } from "vitest";
import { together } from "./fates";

it("adds up the fates of all concerns and the reasons of the false alarms", () => {
  const fire = { concern: "fire", shown: 4, acted: 2, dismissed: 1, reasons: { past: 1 }, cleared: 0, ignored: 1, afterwards: 0 };
  const fall = { concern: "fall", shown: 3, acted: 0, dismissed: 2, reasons: { past: 1, misheard: 1 }, cleared: 1, ignored: 0, afterwards: 2 };
  expect(together([fire, fall])).toEqual({ shown: 7, acted: 2, dismissed: 3, reasons: { past: 2, misheard: 1 }, cleared: 1, ignored: 1, afterwards: 2 });
  expect(together([]).shown).toBe(0);
});

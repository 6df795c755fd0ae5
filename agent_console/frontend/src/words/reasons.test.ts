import { expect, it } from "vitest";
import { reasonInWords } from "./reasons";

it("says known reasons in words, with their figures, and nothing for the others", () => {
  expect(reasonInWords("downloading of the speech model: 42 %")).toContain("42%");
  expect(reasonInWords("speech recognition is switched off")).not.toBe("");
  expect(reasonInWords("something new")).toBe("");
  expect(reasonInWords("")).toBe("");
});

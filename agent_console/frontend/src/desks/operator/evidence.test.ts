import { expect, it } from "vitest";
import { pieces } from "./evidence";

it("cuts the text at the spans, merges overlaps and clips what lies outside", () => {
  const cut = (...spans: [number, number][]) =>
    pieces("abcdefgh", spans.map(([start, end]) => ({ seg: 1, start, end })))
      .map((each) => (each.marked ? `[${each.text}]` : each.text))
      .join("");
  expect(cut()).toBe("abcdefgh");
  expect(cut([2, 4])).toBe("ab[cd]efgh");
  expect(cut([5, 99], [-3, 2])).toBe("[ab]cde[fgh]");
  expect(cut([1, 4], [3, 6], [6, 7])).toBe("a[bcdefg]h");
  expect(cut([3, 3], [9, 12])).toBe("abcdefgh");
});

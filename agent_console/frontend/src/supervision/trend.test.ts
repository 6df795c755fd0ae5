import { describe, expect, it } from "vitest";
import type { Quarter } from "../wire_desk";
import { type Box, ceiling, draw, totals } from "./trend";

const BOX: Box = { width: 420, height: 140, left: 20, right: 0, top: 10, bottom: 30 };
const row = (index: number, arrived: number, answered: number, abandoned: number, waiting = 0): Quarter => ({
  at: new Date(Date.UTC(2026, 10, 20, 16, index * 15)).toISOString(),
  arrived,
  answered,
  abandoned,
  waiting,
});

describe("the scale", () => {
  it("ends at a number that divides into four whole steps", () => {
    expect([0, 1, 4, 5, 9, 21, 41, 81, 300].map(ceiling)).toEqual([4, 4, 4, 8, 20, 40, 80, 200, 400]);
  });
});

describe("the drawing of a day", () => {
  it("stacks what became of the calls, and nothing leaves the box", () => {
    const { bars } = draw([row(0, 8, 5, 2, 3), row(1, 0, 0, 0), row(2, 4, 6, 1)], BOX);
    const first = bars[0]!;
    expect(first.answered.height + first.abandoned.height + first.rest.height).toBeCloseTo(100);
    expect(first.answered.y + first.answered.height).toBeCloseTo(110);
    expect(first.abandoned.y + first.abandoned.height).toBeCloseTo(first.answered.y);
    expect(bars[1]!.rest.height).toBe(0);
    expect(bars[2]!.rest.height).toBe(0); // answered now, arrived before
    for (const bar of bars) {
      expect(bar.x).toBeGreaterThanOrEqual(20);
      expect(bar.x + bar.width).toBeLessThanOrEqual(420);
      for (const part of [bar.answered, bar.abandoned, bar.rest]) expect(part.y).toBeGreaterThanOrEqual(10 - 1e-9);
    }
  });

  it("labels a whole day at most eight times and a morning by the hour", () => {
    expect(draw(Array.from({ length: 96 }, (_, i) => row(i, 1, 1, 0)), BOX).hours).toHaveLength(8);
    expect(draw(Array.from({ length: 9 }, (_, i) => row(i, 1, 1, 0)), BOX).hours).toHaveLength(3);
  });

  it("of no calls is empty, not broken", () => {
    const drawn = draw([], BOX);
    expect([drawn.bars, drawn.line, drawn.hours]).toEqual([[], "", []]);
    expect(drawn.ticks.at(-1)).toEqual({ value: 4, y: 10 });
  });
});

describe("the sums", () => {
  it("name the first of the fullest quarters", () => {
    expect(totals([row(0, 2, 1, 1), row(1, 5, 4, 0), row(2, 5, 3, 1)])).toMatchObject({ arrived: 12, answered: 8, abandoned: 2, peak: { arrived: 5, answered: 4 } });
    expect(totals([row(0, 0, 0, 0)]).peak).toBeNull();
  });
});

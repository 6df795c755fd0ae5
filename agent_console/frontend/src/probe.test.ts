import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Turn } from "./wire";

vi.stubGlobal("__BUILD__", "test");
const { expose, observeTurns } = await import("./probe");

const turn = (seg: number, final: boolean): Turn => ({ seg, rev: 1, who: "caller", text: "x", t0: 0, t1: 1, final });
const seen = () => window.__hotline?.turns ?? [];

describe("what the page has seen of the text", () => {
  beforeAll(() =>
    expose(
      () => Promise.resolve(null),
      () => ({ link: "live", phone: "off", status: null, callId: null }),
    ),
  );

  it("is each segment once, with the moment it became final", () => {
    observeTurns("1.1", [turn(0, true), turn(1, false)]);
    expect(seen().map((each) => [each.seg, each.finalAt === null])).toEqual([
      [0, false],
      [1, true],
    ]);
    observeTurns("1.1", [turn(0, true), turn(1, true)]);
    expect(seen()).toHaveLength(2);
    expect(seen().every((each) => each.finalAt !== null)).toBe(true);
  });

  it("is the latest two thousand, and of a long call not twice", () => {
    const long = Array.from({ length: 2100 }, (_, seg) => turn(seg, true));
    for (let many = 2000; many <= 2100; many += 50) observeTurns("1.2", long.slice(0, many));
    expect(seen()).toHaveLength(2000);
    expect(seen().at(0)).toMatchObject({ callId: "1.2", seg: 100 });
    expect(new Set(seen().map((each) => each.seg)).size).toBe(2000);
  });
});

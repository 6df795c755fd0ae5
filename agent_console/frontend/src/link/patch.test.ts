import { describe, expect, it } from "vitest";
import type { Turn } from "../wire";
import { applyOps, PatchError, withTurn } from "./patch";

const turn = (seg: number, rev: number, t0: number, final = false, text = `${seg}.${rev}`): Turn => ({
  seg,
  rev,
  who: "caller",
  text,
  t0,
  t1: t0 + 1,
  final,
});

describe("operations", () => {
  it("set, make and delete along a path, and share what they do not touch", () => {
    const before = { call: { phase: "offered" }, other: { same: true } };
    const after = applyOps(before, [
      ["set", "call/phase", "talking"],
      ["set", "new/deep/value", 1],
      ["del", "call/gone"],
    ]) as typeof before;
    expect(after).toEqual({ call: { phase: "talking" }, other: { same: true }, new: { deep: { value: 1 } } });
    expect(before.call.phase).toBe("offered");
    expect(after.other).toBe(before.other);
  });

  it("replace the whole with an empty path", () => {
    expect(applyOps({ a: 1 }, [["set", "", { b: 2 }]])).toEqual({ b: 2 });
  });

  it("reach into lists by index", () => {
    expect(applyOps({ a: [{ n: 1 }, { n: 2 }] }, [["set", "a/1/n", 3], ["del", "a/0"]])).toEqual({ a: [{ n: 3 }] });
  });

  it("refuse a path through a value, a wrong index and an unknown operation", () => {
    expect(() => applyOps({ a: 1 }, [["set", "a/b", 1]])).toThrow(PatchError);
    expect(() => applyOps({ a: [] }, [["set", "a/5", 1]])).toThrow(PatchError);
    expect(() => applyOps({ a: 1 }, [["app", "a", turn(1, 1, 0)]])).toThrow(PatchError);
    expect(() => applyOps({ a: 1 }, [["mul", "a", 2] as never])).toThrow(PatchError);
  });
});

describe("turns", () => {
  it("are replaced by a higher revision only, and not after they are final", () => {
    let turns = withTurn([], turn(1, 1, 0));
    turns = withTurn(turns, turn(1, 3, 0));
    turns = withTurn(turns, turn(1, 2, 0));
    expect(turns.map((each) => each.text)).toEqual(["1.3"]);
    turns = withTurn(turns, turn(1, 4, 0, true));
    expect(withTurn(turns, turn(1, 5, 0))).toBe(turns);
  });

  it("stand in the order in which they were begun", () => {
    const turns = [turn(2, 1, 4), turn(1, 1, 0), turn(4, 1, 9), turn(3, 1, 4)].reduce<Turn[]>(withTurn, []);
    expect(turns.map((each) => each.seg)).toEqual([1, 2, 3, 4]);
  });

  it("leave the other turns the same objects, so that only one line is drawn anew", () => {
    const first = turn(1, 1, 0);
    const turns = withTurn(withTurn([first], turn(2, 1, 3)), turn(2, 2, 3));
    expect(turns[0]).toBe(first);
  });
});

import { describe, expect, it } from "vitest";
import type { ShiftLogRow } from "../wire_desk";
import { lengthMs, localDay, sums } from "./spans";

const at = (minute: number): string => new Date(Date.UTC(2026, 10, 21, 6, minute)).toISOString();
const NOW = Date.parse(at(30));
const row = (from: number, until: number | null, status: ShiftLogRow["status"]): ShiftLogRow => ({
  at: at(from),
  until: until === null ? null : at(until),
  agent_id: "8001",
  kind: status === null ? "signed_in" : "status",
  seat: null,
  status,
  reasons: [],
  call_id: null,
});

describe("the sums of a shift", () => {
  it("add up what was and what still lasts", () => {
    const rows = [row(0, 0, null), row(0, 10, "ready"), row(10, 12, "talking"), row(12, 20, "ready"), row(20, null, "paused")];
    expect(sums(rows, NOW)).toEqual({ ready: 18 * 60_000, talking: 2 * 60_000, paused: 10 * 60_000 });
  });

  it("give signing in no length, and no state a negative one", () => {
    expect(lengthMs(row(0, 5, null), NOW)).toBeNull();
    expect(lengthMs(row(40, null, "ready"), NOW)).toBe(0);
  });
});

describe("the local day", () => {
  it("is that of Shanghai", () => {
    expect(localDay(Date.UTC(2026, 10, 21, 15, 59))).toBe("2026-11-21");
    expect(localDay(Date.UTC(2026, 10, 21, 16, 0))).toBe("2026-11-22");
  });
});

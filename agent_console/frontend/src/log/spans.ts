/** Sums of a shift log: how long each person was in which state (pure). */
import type { AgentStatus } from "../wire";
import type { ShiftLogRow } from "../wire_desk";

export type Sums = Partial<Record<AgentStatus, number>>;

/** What still lasts counts up to now. Signing in and out take no time. */
export function lengthMs(row: ShiftLogRow, now: number): number | null {
  if (row.status === null) return null;
  const until = row.until === null ? now : Date.parse(row.until);
  return Math.max(0, until - Date.parse(row.at));
}

export function sums(rows: readonly ShiftLogRow[], now: number): Sums {
  const found: Sums = {};
  for (const row of rows) {
    const length = lengthMs(row, now);
    if (row.status !== null && row.status !== "signed_out" && length !== null) found[row.status] = (found[row.status] ?? 0) + length;
  }
  return found;
}

const DAY = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Shanghai" });
export const localDay = (at: number): string => DAY.format(new Date(at));

/** Rates of the day and waiting callers, from what the wall says (pure). Unknown is null, never a guessed nought. */
import type { LineFigures, QueueLine } from "../wire";
import type { PriorityReason } from "../wire_desk";

export interface WaitingCaller {
  queue: string;
  call_id: string;
  number: string;
  since: number | null;
  priority_reason: PriorityReason | null;
}

export const rate = (part: number, whole: number): number | null => (whole <= 0 ? null : Math.min(1, Math.max(0, part / whole)));

export const percent = (share: number | null): string => (share === null ? "—" : `${(share * 100).toFixed(1)}%`);

/** Those who stand in front of others first, then whoever has waited longest. */
export function waiting(queues: Record<string, QueueLine>): WaitingCaller[] {
  return Object.entries(queues)
    .flatMap(([queue, line]) => (line.waiting ?? []).map((each) => ({ queue, ...each })))
    .sort((a, b) => Number(!a.priority_reason) - Number(!b.priority_reason) || (a.since ?? Infinity) - (b.since ?? Infinity));
}

export function waitingNow(queues: Record<string, QueueLine>): { count: number; since: number | null } {
  const lines = Object.values(queues);
  const since = lines.map((each) => each.longest_since).filter((at): at is number => at !== null);
  return { count: lines.reduce((sum, each) => sum + each.count, 0), since: since.length === 0 ? null : Math.min(...since) };
}

/** Against everybody whose wait is over: those who still wait are not lost, and not answered either. */
export function rates(kpi: LineFigures): { answered: number | null; abandoned: number | null; within: number | null } {
  const settled = kpi.answered + kpi.abandoned;
  return { answered: rate(kpi.answered, settled), abandoned: rate(kpi.abandoned, settled), within: rate(kpi.within_15s, kpi.answered) };
}

export type Freshness = "fresh" | "late" | "stale";

/** The stream beats every 5 s: one beat missed is late, more is stale. */
export function freshness(silenceMs: number | null, live: boolean): Freshness {
  if (!live || silenceMs === null) return "stale";
  return silenceMs <= 6_000 ? "fresh" : silenceMs <= 11_000 ? "late" : "stale";
}

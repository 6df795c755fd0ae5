/** How a row of the ledger reads: its state in words' keys, and how fast the centre answered (pure). */
import type { Handoff, HandoffRow } from "../../wire_calls";
import { words } from "../../words/zh-CN";

export function handoffState(row: Pick<HandoffRow, "state" | "outcome">): string {
  if (row.outcome !== null) return words.handoffs.outcome[row.outcome] ?? row.outcome;
  return words.handoffs.state[row.state] ?? row.state;
}

/** Seconds from the key to the answer; null while, or because, nobody answered. */
export function answerSeconds(row: Pick<Handoff, "started_at" | "steps">): number | null {
  const answered = row.steps.find((each) => each.step === "answered" || each.step === "joined");
  if (answered === undefined) return null;
  return Math.max(0, (new Date(answered.at).getTime() - new Date(row.started_at).getTime()) / 1000);
}

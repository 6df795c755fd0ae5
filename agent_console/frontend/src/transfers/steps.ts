/** A transfer as its operator reads it: three steps with their times, what failed on the way, what may be done now (pure). */
import type { Transfer, TransferReason, TransferStepName } from "../wire_calls";

export type StepState = "todo" | "now" | "done" | "failed";

export interface StepView {
  key: "call" | "join" | "hand";
  state: StepState;
  /** From the step before to this one; null while it is not done. */
  tookMs: number | null;
}

export interface FailedWay {
  route: number;
  reason: TransferReason | null;
  at: number;
}

const FAILURES: ReadonlySet<TransferStepName> = new Set<TransferStepName>(["route_failed", "failed"]);

const when = (transfer: Transfer, ...names: TransferStepName[]): number | null => {
  const found = transfer.steps.filter((each) => names.includes(each.step)).at(-1);
  return found?.at ?? null;
};

const took = (from: number | null, to: number | null): number | null => (from === null || to === null ? null : Math.max(0, to - from));

export const calling = (transfer: Transfer | null): boolean => transfer?.state === "dialling" || transfer?.state === "ringing";
export const together = (transfer: Transfer | null): boolean => transfer?.state === "joined" || transfer?.state === "private";

/** Somebody else is in the call or on the way into it. */
export const underWay = (transfer: Transfer | null): boolean => calling(transfer) || together(transfer);

export function stepsOf(transfer: Transfer): StepView[] {
  const answered = when(transfer, "answered") ?? transfer.joined_at ?? when(transfer, "joined", "private");
  const joined = when(transfer, "joined") ?? transfer.joined_at;
  const handed = when(transfer, "handed_over");
  const over = transfer.state === "ended";
  const state = (done: number | null, before: boolean): StepState => {
    if (done !== null) return "done";
    if (over) return before ? "failed" : "todo";
    return before ? "now" : "todo";
  };
  const steps: StepView[] = [
    { key: "call", state: state(answered, true), tookMs: took(transfer.started_at, answered) },
    { key: "join", state: state(joined, answered !== null), tookMs: took(answered, joined) },
    { key: "hand", state: state(handed, joined !== null || transfer.state === "private"), tookMs: took(joined, handed) },
  ];
  // A target that hung up, or was sent away, after all three had talked is no failure of the hand-over.
  if (over && joined !== null && handed === null) return steps.map((each) => (each.key === "hand" ? { ...each, state: "todo" } : each));
  return steps;
}

/** Each way that failed, once; the last row of a transfer that failed for good repeats its last way. */
export function failedWays(transfer: Transfer): FailedWay[] {
  const found = new Map<number, FailedWay>();
  for (const each of transfer.steps) {
    if (FAILURES.has(each.step)) found.set(each.route, { route: each.route, reason: each.reason, at: each.at });
  }
  return [...found.values()].sort((a, b) => a.route - b.route);
}

export interface Allowed {
  cancel: boolean;
  private: boolean;
  together: boolean;
  leave: boolean;
  drop: boolean;
}

export function allowed(transfer: Transfer, keepLine: boolean): Allowed {
  const joined = together(transfer);
  return {
    cancel: calling(transfer),
    private: transfer.state === "joined",
    together: transfer.state === "private",
    leave: joined && !keepLine,
    drop: joined,
  };
}

/** Changes whenever anything of the transfer does: what an unknown outcome waits for. */
export const mark = (transfer: Transfer | null): string =>
  transfer === null ? "" : [transfer.id, transfer.state, transfer.outcome, transfer.route, transfer.steps.length].join("|");

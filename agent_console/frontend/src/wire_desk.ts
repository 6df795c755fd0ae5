/** Shapes of call records, the shift log, calls about tickets, seats, surges and the day's figures. */
import type { AgentStatus, CallOutcome, CallRow, PauseReason } from "./wire";

// ---- one call, told in order ---------------------------------------------------------------------------------------

export interface CallEvent {
  at: string;
  kind: string;
  data: Record<string, unknown>;
}

export interface CallRecord extends CallRow {
  events: CallEvent[];
}

/** Why no ticket comes of a call. */
export const CLOSED_WITHOUT = [
  "answered_back",
  "wrong_number",
  "nobody_spoke",
  "not_reached",
  "same_matter",
  "own_call",
  "nuisance",
] as const;
export type ClosedWithout = (typeof CLOSED_WITHOUT)[number];

// ---- the shift log ---------------------------------------------------------------------------------------------------

export type ShiftLogKind = "signed_in" | "signed_out" | "status";

export interface ShiftLogRow {
  at: string;
  /** When the same person's next change came; null while this lasts. */
  until: string | null;
  agent_id: string;
  kind: ShiftLogKind;
  seat: string | null;
  status: AgentStatus | null;
  reasons: PauseReason[];
  call_id: string | null;
}

// ---- a recording that is kept ----------------------------------------------------------------------------------------

export interface Hold {
  reason: string;
  set_at: string;
}

export interface Recording {
  call_id: string;
  hold: Hold | null;
}

// ---- who serves which queue ------------------------------------------------------------------------------------------

/** Of two free operators the one with the lower level is rung first. */
export interface Skill {
  queue: string;
  level: number;
}

// ---- calling about a ticket ------------------------------------------------------------------------------------------

export interface TicketCallAttempt {
  call_id: string;
  at: string;
  agent_id: string;
  outcome: CallOutcome | null;
  talk_s: number | null;
}

export interface TicketCallPreview {
  /** Masked; "" where there is none to call. */
  number: string;
  line: string;
  attempts: TicketCallAttempt[];
}

// ---- seats -------------------------------------------------------------------------------------------------------------

export type SeatKind = "softphone" | "desk_phone";

export interface SeatChoice {
  seat: string;
  kind: SeatKind;
  own: boolean;
  taken_by: string | null;
}

// ---- who stands in front, and surges ---------------------------------------------------------------------------------

export type PriorityReason = "centre" | "cut_off" | "repeat" | "elder";

export interface PriorityNumber {
  id: string;
  /** Masked. */
  number: string;
  note: string;
  added_by: string;
  added_at: string;
  expires_on: string | null;
}

export interface Surge {
  state: "quiet" | "proposed" | "announced";
  by: "rule" | "person" | null;
  reason: string;
  since: number | null;
  until: number | null;
  arrivals: number;
  waiting: number;
  /** 0: no limit. */
  arrivals_limit: number;
  waiting_limit: number;
}

// ---- the day -----------------------------------------------------------------------------------------------------------

export interface Quarter {
  at: string;
  arrived: number;
  answered: number;
  abandoned: number;
  /** The most at one moment. */
  waiting: number;
}

export interface DayTrend {
  day: string;
  quarters: Quarter[];
}

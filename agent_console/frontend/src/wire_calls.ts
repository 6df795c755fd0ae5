/** Shapes of what becomes of a call beyond answer and hang-up: transfers, handoffs, cues, callbacks, supervision. */
import type { Agent, AgentStatus, CallPhase } from "./wire";
import type { PriorityReason } from "./wire_desk";

// ---- bringing somebody else in -------------------------------------------------------------------------------------

export type TargetKind = "centre" | "agent" | "queue" | "number";
export type TransferMode = "three_way" | "consult" | "blind";
export type TransferState = "dialling" | "ringing" | "joined" | "private" | "handed_over" | "ended";

export type TransferOutcome =
  | "handed_over"
  | "cancelled"
  | "failed"
  | "target_left"
  | "returned"
  | "completed"
  | "caller_left"
  | "operator_lost";

export type TransferReason =
  | "busy"
  | "declined"
  | "unavailable"
  | "not_found"
  | "no_answer"
  | "silent"
  | "dropped"
  | "switch";

export type TransferStepName =
  | "requested"
  | "ringing"
  | "answered"
  | "joined"
  | "private"
  | "route_failed"
  | "failed"
  | "cancelled"
  | "target_left"
  | "handed_over"
  | "operator_lost"
  | "returned"
  | "completed"
  | "caller_left";

export interface TransferStep {
  at: number;
  step: TransferStepName;
  route: number;
  reason: TransferReason | null;
}

export interface TransferTarget {
  kind: TargetKind;
  value: string;
}

export interface Transfer {
  id: string;
  target: TransferTarget & { label: string };
  mode: TransferMode;
  state: TransferState;
  outcome: TransferOutcome | null;
  reason: TransferReason | null;
  /** Which way to the target is being tried, from 1, of how many. */
  route: number;
  routes: number;
  started_at: number;
  ringing_at: number | null;
  joined_at: number | null;
  steps: TransferStep[];
  handoff_id: string | null;
  handoff_number: string | null;
}

export interface TransferAnswer {
  outcome: "done" | "unknown";
  transfer: Transfer | null;
}

export interface CentreEntry {
  code: string;
  name: string;
  /** 1..5, pressed after Ctrl+E. */
  key: number | null;
}

export interface TransferTargets {
  centres: CentreEntry[];
  agents: { agent_id: string; display_name: string; status: AgentStatus }[];
  queues: { name: string; label: string }[];
  numbers: { name: string; number: string }[];
  /** Numbers that citizens dial beside the hotline's own, and who takes their calls: the centre, else the queue. */
  lines: { number: string; label: string; queue: string; centre: string | null }[];
  /** What a free number must look like; empty when none is allowed. */
  number_rule: string;
}

export type PartyRole = "citizen" | "operator" | "centre" | "number" | "supervisor";

export interface Party {
  role: PartyRole;
  label: string;
  agent_id: string | null;
  state: "ringing" | "talking" | "music";
  since: number | null;
}

export type SpyMode = "listen" | "whisper" | "barge";

export interface Supervision {
  agent_id: string;
  mode: SpyMode;
}

// ---- cues ----------------------------------------------------------------------------------------------------------

/** The last: said in anger, nothing to transfer. */
export type CueAction = "transfer_now" | "conference" | "keep_line" | "offer" | "soft_alert";

export interface Cue {
  id: string;
  call_id: string;
  targets: string[];
  action: CueAction;
  seg: number;
  start: number;
  end: number;
  /** The words it rests on. */
  text: string;
  at: number;
  /** `ignored`: the call ended and nobody had decided; `afterwards`: it came up when the call was over. */
  state: "open" | "acted" | "dismissed" | "cleared" | "ignored" | "afterwards";
  reason: string | null;
  /** Who else should hear of it. */
  notices: string[];
}

/** What became of the cards of one concern. */
export interface CueFates {
  concern: string;
  shown: number;
  acted: number;
  dismissed: number;
  /** Why they were dismissed, and how many. */
  reasons: Record<string, number>;
  cleared: number;
  ignored: number;
  afterwards: number;
}

// ---- the ledger of matters exchanged with centres --------------------------------------------------------------------

export interface HandoffStep {
  at: string;
  step: string;
  route: number | null;
  reason: TransferReason | null;
}

/** What the switch saw, until people agreed on something else. */
export type Settled = "accepted" | "declined" | "unclear" | "closed";
export type PushState = "not_configured" | "pending" | "pushed" | "failed";

export interface HandoffRow {
  id: string;
  number: string;
  call_id: string;
  centre: string;
  target: string;
  target_kind: TargetKind;
  mode: string;
  agent_id: string;
  state: string;
  outcome: string | null;
  reason: TransferReason | null;
  settled: Settled | null;
  /** The hotline or the centre that has the matter now. */
  responsible: string;
  receipt: string;
  push_state: PushState;
  push_error: string | null;
  summary_pushed_at: string | null;
  keep_line: boolean;
  started_at: string;
  ended_at: string | null;
  version: number;
}

/** What is read out to the centre; null where nothing is known. */
export interface HandoffScript {
  address: string | null;
  event: string | null;
  occur_time: string | null;
  callback_number: string | null;
  caller_name: string | null;
}

export interface Handoff extends HandoffRow {
  summary: string;
  note: string;
  script: HandoffScript;
  steps: HandoffStep[];
}

/** A row of the ledger as the live stream has it. */
export interface HandoffHead {
  id: string;
  number: string;
  call_id: string;
  centre: string;
  target: string;
  agent_id: string;
  state: string;
  outcome: string | null;
  receipt: string;
  push_state: string;
  keep_line: boolean;
  started_at: number;
  ended_at: number | null;
  version: number;
}

// ---- missed callers --------------------------------------------------------------------------------------------------

export type CallbackReason = "abandoned" | "cut_off" | "asked" | "message" | "fallback";

export const CALLBACK_RESULTS = ["reached", "no_answer", "busy", "machine", "refused", "wrong_number", "unreachable"] as const;
export type CallbackResult = (typeof CALLBACK_RESULTS)[number];

export interface CallbackAttempt {
  at: string;
  agent_id: string;
  result: CallbackResult | null;
  call_id: string | null;
}

/** What a caller said whom nobody could answer. */
export interface LeftMessage {
  call_id: string;
  at: string;
}

export interface Callback {
  id: string;
  /** Masked. */
  number: string;
  line: string;
  reason: CallbackReason;
  calls: number;
  first_at: string;
  last_at: string;
  due_at: string;
  owner: string | null;
  leased_until: string | null;
  /** The call that is being placed for it just now. */
  dialling: string | null;
  /** False where the caller's number was withheld. */
  dialable: boolean;
  /** That can be heard, the newest first. */
  messages: LeftMessage[];
  attempts: CallbackAttempt[];
  status: "open" | "done";
  outcome: string | null;
  closed_at: string | null;
  version: number;
}

/** A missed caller as the live stream has it. */
export interface CallbackHead {
  id: string;
  number: string;
  line: string;
  reason: string;
  calls: number;
  first_at: number;
  last_at: number;
  due_at: number;
  owner: string | null;
  leased_until: number | null;
  tries: number;
  status: string;
  version: number;
}

// ---- the supervisor's wall -------------------------------------------------------------------------------------------

export interface WallAgent extends Agent {
  /** Of the call this person is in. */
  line: string | null;
  call_since: number | null;
}

export interface WallCall {
  id: string;
  phase: CallPhase;
  line: string;
  agent_id: string | null;
  since: number;
  /** Masked. */
  number: string;
  transfer: Transfer | null;
  direction: "inbound" | "outbound";
  centre: string;
  keep_line: boolean;
  supervision: Supervision | null;
  priority_reason: PriorityReason | null;
}

export interface Alert {
  id: string;
  kind: string;
  at: number;
  text_code: string;
  data: Record<string, unknown>;
}

/**
 * Shapes that cross the wire, in one place: HTTP bodies under /api/v1 and the messages of the live stream hotline.v1.
 *
 * Names are the server's (snake_case). Times in live data are epoch milliseconds, times in HTTP rows are ISO 8601 text.
 */

import type {
  Alert,
  CallbackHead,
  Cue,
  HandoffHead,
  Party,
  Supervision,
  Transfer,
  WallAgent,
  WallCall,
} from "./wire_calls";
import type { PriorityReason, SeatKind, Surge } from "./wire_desk";

// ---- words of the models -------------------------------------------------------------------------------------------

export type AgentStatus = "signed_out" | "ready" | "ringing" | "talking" | "wrapping_up" | "paused";

export type PauseReason =
  | "busy"
  | "meal"
  | "rest"
  | "training"
  | "meeting"
  | "other"
  | "no_answer"
  | "wrap_up_overrun"
  | "supervisor"
  | "device_lost";

export type CallPhase = "arrived" | "queued" | "offered" | "talking" | "held" | "ended";
export type CallOutcome =
  | "answered"
  | "abandoned"
  | "lost"
  // of a call that an operator placed
  | "no_answer"
  | "busy"
  | "declined"
  | "unavailable"
  | "not_found"
  | "cancelled"
  | "not_placed";
export type Role = "operator" | "supervisor" | "revisit" | "dispatcher" | "department" | "admin";
export type Speaker = "caller" | "agent" | "centre";
export type Disposition = "direct_answer" | "dispatch" | "invalid";

// ---- live data, channel by channel -----------------------------------------------------------------------------------

export interface Agent {
  id: string;
  display_name: string;
  seat: string;
  status: AgentStatus;
  reasons: PauseReason[];
  since: number;
  call_id: string | null;
  next_reason: PauseReason | null;
  wrap_up_until: number | null;
  seat_kind: SeatKind;
}

export interface LinkHealth {
  state: string;
  reason: string;
}

export interface SpeechHealth extends LinkHealth {
  engine: string;
  /** Of a call: the share of its speech that has become text; null where nobody was heard to speak. */
  complete?: number | null;
  /** What is or was done to read the rest from the recording; empty where nothing is. */
  recording?: "" | "pending" | "reread" | "no_recording" | "unreadable" | "failed";
}

export interface MeData {
  agent: Agent | null;
  /** The call that rings, is talked on, or is wrapped up. */
  call: string | null;
  links: { switch: LinkHealth; speech: SpeechHealth; database: LinkHealth };
  today: { answered: number; handle_s: number | null };
  alerts: Alert[];
  callbacks: { open: number; overdue: number };
}

export interface CallView {
  id: string;
  phase: CallPhase;
  caller: { number: string; name: string; repeat_7d: number; open_tickets: number };
  line: string;
  queue: string | null;
  arrived_at: number | null;
  queued_at: number | null;
  offered_at: number | null;
  ring_s: number;
  answered_at: number | null;
  held_since: number | null;
  agent_left_at: number | null;
  ended_at: number | null;
  ended_by: string | null;
  outcome: CallOutcome | null;
  answered_by: string | null;
  direction: "inbound" | "outbound";
  /** Code of the partner centre that sent the call; "" for a citizen's own. */
  centre: string;
  /** What that centre sent along. */
  summary: string;
  /** Whoever answered an operator's call sounds like a mailbox: a hint. */
  machine: boolean;
  /** The citizen must not be handed on. */
  keep_line: boolean;
  recording_paused_until: number | null;
  /** Why this caller stood in front of others. */
  priority_reason: PriorityReason | null;
}

export interface Turn {
  seg: number;
  rev: number;
  who: Speaker;
  text: string;
  /** Seconds since the conversation was answered. */
  t0: number;
  t1: number;
  final: boolean;
}

export interface CallData {
  call: CallView;
  speech: SpeechHealth;
  transcript: Turn[];
  draft: Draft | null;
  transfer: Transfer | null;
  parties: Party[];
  supervision: Supervision | null;
  cues: Cue[];
}

export interface QueueLine {
  /** Absent for roles that see only the figures. */
  waiting?: { call_id: string; since: number; number: string; priority_reason: PriorityReason | null }[];
  count: number;
  longest_since: number | null;
}

export interface QueueData {
  queues: Record<string, QueueLine>;
  agents: { ready: number; talking: number; wrapping_up: number; paused: number; signed_in: number };
}

/** Of today. `within_15s`: of the answered ones, those answered within 15 s of joining the queue. */
export interface LineFigures {
  answered: number;
  arrived: number;
  abandoned: number;
  within_15s: number;
  longest_wait_s: number;
}

/** For supervisors: everybody and every call of the shift, at most five times a second. */
export interface WallData {
  agents: WallAgent[];
  calls: WallCall[];
  queues: Record<string, QueueLine>;
  kpi: LineFigures & { /** By the number that citizens dialled. */ lines: Record<string, LineFigures> };
  alarms: Alert[];
  drift: { count: number; last_at: number | null; last_kind: string };
  surge: Surge;
}

/** Matters at centres that are not settled: one's own, all for supervisors. */
export interface EmergencyData {
  handoffs: HandoffHead[];
}

/** Missed callers, those due first in front. */
export interface TasksData {
  callbacks: CallbackHead[];
  counts: { open: number; overdue: number };
}

// ---- live messages -----------------------------------------------------------------------------------------------------

export type PatchOp = ["set", string, unknown] | ["del", string] | ["app", string, unknown];

export interface Patch {
  t: "p";
  ch: string;
  seq: number;
  ts?: number;
  ops: PatchOp[];
}

export interface Snapshot {
  t: "snap";
  ch: string;
  epoch: string;
  seq: number;
  data: unknown;
}

export interface Welcome {
  t: "welcome";
  sid: string;
  role: string;
  perms: string[];
  hb: number;
  now: number;
  build: string;
}

export type ServerMessage =
  | Welcome
  | Snapshot
  | Patch
  | { t: "b"; p: Patch[] }
  | { t: "hb"; now: number; seqs: Record<string, number> }
  | { t: "err"; ch?: string; code: string }
  | { t: "bye"; code: number; retry?: [number, number] };

export interface Subscription {
  ch: string;
  epoch?: string;
  seq?: number;
}

export type ClientMessage =
  | { t: "hello"; v: 1; ticket: string; tab: string; build: string; subs: Subscription[] }
  | { t: "hb"; now: number }
  | { t: "sub"; ch: string }
  | { t: "unsub"; ch: string }
  | { t: "resync"; ch: string; have: number };

/** Close codes of hotline.v1. */
export const BYE = {
  ticket: 4001,
  superseded: 4002,
  sessionEnded: 4003,
  protocol: 4004,
  slow: 4008,
  draining: 4010,
} as const;

// ---- HTTP -----------------------------------------------------------------------------------------------------------------

export interface ErrorBody {
  error: string;
  detail: string;
  field?: string | null;
  fields?: string[];
  current?: Draft;
}

export interface User {
  id: number;
  username: string;
  display_name: string;
  role: Role;
  agent_id: string | null;
  seat: string | null;
}

export interface Session {
  user: User;
  permissions: string[];
  /** What people call each queue. */
  queues: Record<string, string>;
  csrf: string;
  /** Seals what this person types in the browser's own copy: 32 bytes in hexadecimal. */
  local_key: string;
}

export interface SipAccount {
  uri: string;
  ws_url: string;
  password: string;
  realm: string;
}

export interface ShiftSignIn {
  agent_id: string;
  seat: string;
  /** Null where the calls ring at a desk phone. */
  sip: SipAccount | null;
  seat_kind?: SeatKind;
  /** Null until the switch has taken the sign-in. */
  agent: Agent | null;
}

export interface StatusAnswer {
  outcome: "done" | "unknown";
  agent: Agent | null;
}

export interface Page<T> {
  items: T[];
  total: number;
  page: number;
  size: number;
}

export const FIELD_NAMES = [
  "title",
  "appeal_type",
  "category_code",
  "address",
  "district",
  "town",
  "description",
  "demand",
  "caller_name",
  "caller_gender",
  "contact_phone",
  "occur_time",
  "subject",
  "urgency",
  "department",
  "confidential",
  "anonymous",
  "contact_note",
  "reply_required",
  "amount_yuan",
  "people_count",
  "is_repeat",
  "repeat_count",
  "previous_ticket_no",
  "summary",
] as const;

export type FieldName = (typeof FIELD_NAMES)[number];
export type FieldValue = string | boolean | null;
export type FieldOrigin = "empty" | "suggested" | "accepted" | "typed";

export interface Evidence {
  seg: number;
  start: number;
  end: number;
}

/** One of several values between which a person decides. */
export interface FieldOption {
  value: string;
  label: string;
  confidence: number;
}

export interface FieldSuggestion {
  value: FieldValue;
  /** The value as a person reads it (a category's name, not its code). */
  label: string;
  confidence: number;
  evidence: Evidence[];
  status: "filled" | "offered" | "accepted" | "dismissed";
  /** Where several values come into question, all of them, the likeliest first. */
  options: FieldOption[];
}

export interface Field {
  value: FieldValue;
  origin: FieldOrigin;
  suggestion: FieldSuggestion | null;
}

export interface Draft {
  id: string;
  call_id: string;
  version: number;
  updated_at: string;
  /** Closed: no ticket comes of the call. */
  status: "open" | "submitted" | "closed";
  fields: Partial<Record<FieldName, Field>>;
  missing: string[];
}

export interface TicketRow {
  id: string;
  ticket_no: string;
  title: string | null;
  appeal_type: string | null;
  /** As a person reads it. */
  category: string | null;
  status: string;
  open: boolean;
  call_id: string;
  created_at: string;
  district: string | null;
  urgency: string | null;
  /** Masked. */
  contact_phone: string;
  confidential: boolean;
}

export interface Ticket extends TicketRow {
  version: number;
  updated_at: string;
  disposition: Disposition;
  summary: string;
  author: string;
  agent_id: string | null;
  fields: Partial<Record<FieldName, FieldValue>>;
}

export interface CallRow {
  id: string;
  caller_number: string;
  line: string;
  queue: string | null;
  outcome: CallOutcome | null;
  ended_by: string | null;
  answered_by: string | null;
  arrived_at: string;
  queued_at: string | null;
  answered_at: string | null;
  ended_at: string | null;
  wait_s: number | null;
  talk_s: number | null;
  ticket_id: string | null;
  direction: "inbound" | "outbound";
  /** It was said that none is needed. */
  no_ticket: boolean;
}

export interface DraftRow {
  id: string;
  call_id: string;
  updated_at: string;
  status: "open" | "submitted";
  title: string | null;
  caller_number: string;
}

/** Of a call that is over. */
export interface Completeness {
  state: string;
  complete: number | null;
}

export interface Transcript {
  call_id: string;
  turns: Turn[];
  completeness?: Completeness | null;
}

export interface CategoryEntry {
  code: string;
  level1: string;
  level2: string;
  department: string;
}

/** The server's own rule for a field; `longest` is 0 where there is no such limit. */
export interface FieldRule {
  name: FieldName;
  kind: "line" | "text" | "choice" | "phone" | "code" | "flag" | "number";
  longest: number;
  required_for: Disposition[];
  unless: { field: FieldName; value: FieldValue } | null;
}

export interface Reference {
  appeal_types: string[];
  urgencies: string[];
  genders: string[];
  categories: CategoryEntry[];
  departments: string[];
  pause_reasons: PauseReason[];
  dispositions: Disposition[];
  fields: FieldRule[];
}

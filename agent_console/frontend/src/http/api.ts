/** Every route of the server that the console uses, one function each. */
import type {
  CallRow,
  Disposition,
  Draft,
  DraftRow,
  FieldName,
  FieldValue,
  Page,
  PauseReason,
  Reference,
  Session,
  ShiftSignIn,
  StatusAnswer,
  Ticket,
  TicketRow,
  Transcript,
} from "../wire";
import type {
  Callback,
  CallbackResult,
  Cue,
  CueFates,
  Handoff,
  HandoffRow,
  Settled,
  SpyMode,
  TransferAnswer,
  TransferMode,
  TransferTarget,
  TransferTargets,
} from "../wire_calls";
import type {
  CallRecord,
  ClosedWithout,
  DayTrend,
  PriorityNumber,
  Recording,
  SeatChoice,
  ShiftLogRow,
  Skill,
  Surge,
  TicketCallPreview,
} from "../wire_desk";
import { HttpClient } from "./client";

export const http = new HttpClient();

const at = encodeURIComponent;

export interface Listing {
  page: number;
  size: number;
  sort?: string;
}

export const api = {
  session: () => http.get<Session>("/session"),
  signIn: (username: string, password: string) => http.post<Session>("/session", { username, password }),
  signOut: () => http.delete("/session"),
  liveTicket: () => http.post<{ ticket: string; expires_in_s: number }>("/ws-ticket"),

  shiftSignIn: (seat: string | null) => http.post<ShiftSignIn>("/shift/sign-in", seat === null ? {} : { seat }),
  seats: () => http.get<SeatChoice[]>("/shift/seats"),
  shiftLog: (listing: Listing, agentId: string | null, day: string) =>
    http.get<Page<ShiftLogRow>>("/shifts/log", { ...listing, agent_id: agentId, day }),
  shiftSignOut: () => http.post<void>("/shift/sign-out"),
  shiftStatus: (status: "ready" | "paused", reason: PauseReason | null) =>
    http.post<StatusAnswer>("/shift/status", { status, reason }),
  /** Ring my own phone for the call that I am in and have lost. */
  recover: () => http.post<StatusAnswer>("/shift/recover"),
  finishWrapUp: () => http.post<StatusAnswer>("/shift/wrap-up/finish"),
  extendWrapUp: (seconds: number) => http.post<StatusAnswer>("/shift/wrap-up/extend", { seconds }),

  calls: (listing: Listing, missed: boolean | null, direction: CallRow["direction"] | null = null) =>
    http.get<Page<CallRow>>("/calls", { ...listing, missed, direction }),
  call: (callId: string) => http.get<CallRecord>(`/calls/${at(callId)}`),
  hangUp: (callId: string) => http.post<void>(`/calls/${at(callId)}/hang-up`),
  revealNumber: (callId: string, reason: string) =>
    http.post<{ number: string }>(`/calls/${at(callId)}/reveal-number`, { reason }),
  callerHistory: (callId: string, listing: Listing) =>
    http.get<Page<TicketRow>>(`/calls/${at(callId)}/caller-history`, { ...listing }),

  /** 409 with the recording as it is where somebody holds it already. */
  heldRecording: (callId: string) => http.get<Page<Recording>>("/recordings", { held: true, call_id: callId, size: 1 }),
  holdRecording: (callId: string, reason: string) => http.post<Recording>(`/recordings/${at(callId)}/hold`, { reason }),
  liftHold: (callId: string, reason: string) => http.post<Recording>(`/recordings/${at(callId)}/hold/lift`, { reason }),

  transcript: (callId: string) => http.get<Transcript>(`/calls/${at(callId)}/transcript`),

  openDraft: (callId: string) => http.post<Draft>(`/calls/${at(callId)}/draft`),
  draft: (id: string) => http.get<Draft>(`/drafts/${at(id)}`),
  myDrafts: (listing: Listing) => http.get<Page<DraftRow>>("/drafts", { mine: true, ...listing }),
  saveDraft: (id: string, version: number, fields: Partial<Record<FieldName, FieldValue>>) =>
    http.patch<Draft>(`/drafts/${at(id)}`, { version, fields }),
  decideSuggestion: (id: string, field: FieldName, action: "accept" | "dismiss" | "undo", version: number) =>
    http.post<Draft>(`/drafts/${at(id)}/suggestions/${field}`, { action, version }),
  acceptAll: (id: string, version: number) => http.post<Draft>(`/drafts/${at(id)}/accept-all`, { version }),
  submitDraft: (id: string, version: number, disposition: Disposition, summary: string) =>
    http.post<Ticket>(`/drafts/${at(id)}/submit`, { version, disposition, summary }),

  closeDraft: (id: string, version: number, reason: ClosedWithout) => http.post<Draft>(`/drafts/${at(id)}/close`, { version, reason }),
  reopenDraft: (id: string) => http.post<Draft>(`/drafts/${at(id)}/reopen`),

  reportDevice: (works: boolean) => http.post<void>("/shift/device", { works }),

  transferTargets: () => http.get<TransferTargets>("/transfer-targets"),
  transfer: (callId: string, target: TransferTarget, mode: TransferMode) =>
    http.post<TransferAnswer>(`/calls/${at(callId)}/transfers`, { target, mode }),
  /** A word alone with the target, all together again, hand over and leave, or end the target's leg. */
  steer: (callId: string, what: "private" | "together" | "leave" | "cancel") =>
    http.post<TransferAnswer>(`/calls/${at(callId)}/transfer/${what}`),
  sendBack: (callId: string, queue: string | null) => http.post<TransferAnswer>(`/calls/${at(callId)}/send-back`, { queue }),
  keepLine: (callId: string, on: boolean) => http.post<{ outcome: string }>(`/calls/${at(callId)}/keep-line`, { on }),
  pauseRecording: (callId: string, seconds: number) =>
    http.post<{ outcome: string }>(`/calls/${at(callId)}/recording/pause`, { seconds }),
  resumeRecording: (callId: string) => http.post<{ outcome: string }>(`/calls/${at(callId)}/recording/resume`),
  cueFates: () => http.get<CueFates[]>("/cues/fates"),
  decideCue: (callId: string, cueId: string, action: "act" | "dismiss", reason: string) =>
    http.post<Cue>(`/calls/${at(callId)}/cues/${at(cueId)}`, { action, reason }),

  handoffs: (listing: Listing, open: boolean | null) => http.get<Page<HandoffRow>>("/handoffs", { ...listing, open }),
  handoff: (id: string) => http.get<Handoff>(`/handoffs/${at(id)}`),
  changeHandoff: (
    id: string,
    version: number,
    change: { receipt?: string; summary?: string; note?: string; outcome?: Settled | null },
  ) =>
    http.patch<Handoff>(`/handoffs/${at(id)}`, { version, ...change }),
  pushHandoff: (id: string) => http.post<Handoff>(`/handoffs/${at(id)}/push`),

  callbacks: (listing: Listing, status: "open" | "done", mine: boolean) =>
    http.get<Page<Callback>>("/callbacks", { ...listing, status, mine: mine || null }),
  messageSound: (id: string, callId: string) => http.address(`/callbacks/${at(id)}/message?call_id=${at(callId)}`),
  claimCallback: (id: string) => http.post<Callback>(`/callbacks/${at(id)}/claim`),
  releaseCallback: (id: string) => http.post<Callback>(`/callbacks/${at(id)}/release`),
  dialCallback: (id: string) => http.post<{ call_id: string; outcome: "done" | "unknown" }>(`/callbacks/${at(id)}/dial`),
  closeCallback: (id: string, result: CallbackResult, note: string) =>
    http.post<Callback>(`/callbacks/${at(id)}/outcome`, { result, note }),

  previewTicketCall: (ticketId: string) => http.get<TicketCallPreview>(`/outbound/tickets/${at(ticketId)}`),
  callAboutTicket: (ticketId: string) =>
    http.post<{ call_id: string; outcome: "done" | "unknown" }>("/outbound", { kind: "ticket", id: ticketId }),

  trend: (day: string | null) => http.get<DayTrend>("/stats/calls-by-quarter", { day }),
  surge: () => http.get<Surge>("/surge"),
  setSurge: (on: boolean, reason: string, minutes: number | null) =>
    http.post<Surge>("/surge", minutes === null ? { on, reason } : { on, reason, minutes }),
  priorityNumbers: (listing: Listing) => http.get<Page<PriorityNumber>>("/priority-numbers", { ...listing }),
  addPriorityNumber: (number: string, note: string, expiresOn: string | null) =>
    http.post<PriorityNumber>("/priority-numbers", { number, note, expires_on: expiresOn }),
  removePriorityNumber: (id: string) => http.delete(`/priority-numbers/${at(id)}`),

  supervise: (callId: string, mode: SpyMode) => http.post<{ outcome: string }>(`/calls/${at(callId)}/supervision`, { mode }),
  endSupervision: (callId: string) => http.delete(`/calls/${at(callId)}/supervision`),
  takeOver: (callId: string) => http.post<{ outcome: string }>(`/calls/${at(callId)}/take-over`),
  steerAgent: (agentId: string, what: "pause" | "lift-pause" | "sign-out", reason: string) =>
    http.post<{ outcome: string }>(`/agents/${at(agentId)}/${what}`, { reason }),

  skills: (agentId: string) => http.get<{ skills: Skill[] }>(`/agents/${at(agentId)}/skills`),
  setSkills: (agentId: string, skills: readonly Skill[]) =>
    http.put<{ skills: Skill[]; outcome: "done" | "unknown" | null }>(`/agents/${at(agentId)}/skills`, { skills }),

  tickets: (listing: Listing, q: string) => http.get<Page<TicketRow>>("/tickets", { ...listing, q }),
  ticket: (id: string) => http.get<Ticket>(`/tickets/${at(id)}`),
  reference: () => http.get<Reference>("/reference"),
};

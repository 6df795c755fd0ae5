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

  shiftSignIn: () => http.post<ShiftSignIn>("/shift/sign-in"),
  shiftSignOut: () => http.post<void>("/shift/sign-out"),
  shiftStatus: (status: "ready" | "paused", reason: PauseReason | null) =>
    http.post<StatusAnswer>("/shift/status", { status, reason }),
  /** Ring my own phone for the call that I am in and have lost. */
  recover: () => http.post<StatusAnswer>("/shift/recover"),
  finishWrapUp: () => http.post<StatusAnswer>("/shift/wrap-up/finish"),
  extendWrapUp: (seconds: number) => http.post<StatusAnswer>("/shift/wrap-up/extend", { seconds }),

  calls: (listing: Listing, missed: boolean | null) => http.get<Page<CallRow>>("/calls", { ...listing, missed }),
  hangUp: (callId: string) => http.post<void>(`/calls/${at(callId)}/hang-up`),
  revealNumber: (callId: string, reason: string) =>
    http.post<{ number: string }>(`/calls/${at(callId)}/reveal-number`, { reason }),
  callerHistory: (callId: string, listing: Listing) =>
    http.get<Page<TicketRow>>(`/calls/${at(callId)}/caller-history`, { ...listing }),

  transcript: (callId: string) => http.get<Transcript>(`/calls/${at(callId)}/transcript`),

  openDraft: (callId: string) => http.post<Draft>(`/calls/${at(callId)}/draft`),
  draft: (id: string) => http.get<Draft>(`/drafts/${at(id)}`),
  myDrafts: (listing: Listing) => http.get<Page<DraftRow>>("/drafts", { mine: true, ...listing }),
  saveDraft: (id: string, version: number, fields: Partial<Record<FieldName, FieldValue>>) =>
    http.patch<Draft>(`/drafts/${at(id)}`, { version, fields }),
  decideSuggestion: (id: string, field: FieldName, action: "accept" | "dismiss" | "undo") =>
    http.post<Draft>(`/drafts/${at(id)}/suggestions/${field}`, { action }),
  acceptAll: (id: string) => http.post<Draft>(`/drafts/${at(id)}/accept-all`),
  submitDraft: (id: string, version: number, disposition: Disposition, summary: string) =>
    http.post<Ticket>(`/drafts/${at(id)}/submit`, { version, disposition, summary }),

  tickets: (listing: Listing, q: string) => http.get<Page<TicketRow>>("/tickets", { ...listing, q }),
  ticket: (id: string) => http.get<Ticket>(`/tickets/${at(id)}`),
  reference: () => http.get<Reference>("/reference"),
};

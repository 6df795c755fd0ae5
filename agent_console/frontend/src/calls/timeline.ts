/** What happened in a call, one line each, and its sums: waits, holds, legs, transfers (pure). */
import { duration } from "../clock";
import { queueName } from "../queue_names";
import type { CallEvent } from "../wire_desk";
import { words } from "../words/zh-CN";

export type Mark = "in" | "wait" | "ring" | "talk" | "hold" | "other" | "transfer" | "end";

export interface Line {
  at: string;
  /** Since the first event. */
  afterMs: number;
  mark: Mark;
  text: string;
  detail: string;
}

export interface Sums {
  holds: number;
  heldMs: number;
  offers: number;
  transfers: number;
}

type Said = Record<string, unknown>;

const text = words.record.event;
const str = (value: unknown): string => (typeof value === "string" ? value : "");
const num = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);
const length = (seconds: unknown): string => (num(seconds) === null ? "" : duration((num(seconds) ?? 0) * 1000));
const queue = (value: unknown): string => queueName(str(value));
const joined = (parts: readonly string[]): string => parts.filter((each) => each !== "").join(words.list);

function target(said: Said): string {
  const it = (said.target ?? {}) as { kind?: unknown; value?: unknown };
  if (it.kind === "agent") return `${words.transfer.role.operator}${str(it.value)}`;
  if (it.kind === "queue") return queue(it.value);
  return str(it.value) || words.transfer.role.number;
}

function answered(said: Said): Line["text"] {
  const who = str(said.agent_id);
  if (said.returned === true) return text.returned(who);
  return said.transferred === true ? text.taken(who) : text.answered(who);
}

const step = (said: Said): string => (words.transfer.stepNames as Record<string, string>)[str(said.step)] ?? str(said.step);
const spy = (said: Said): string => (words.supervision.mode as Record<string, string>)[str(said.mode)] ?? str(said.mode);
const why = (said: Said): string => (words.transfer.reason as Record<string, string>)[str(said.reason)] ?? "";

/** By the server's names of its events. One that is not known here is left out: it is none of a reader's business. */
const LINES: Record<string, (said: Said) => [Mark, string, string?]> = {
  CallArrived: (said) => ["in", text.arrived(str(said.line)), str(said.centre) === "" ? "" : text.from(str(said.centre))],
  CallPlaced: (said) => ["in", text.placed(str(said.agent_id)), str(said.line)],
  CallQueued: (said) => ["wait", text.queued(queue(said.queue)), num(said.position) === null ? "" : text.position(num(said.position) ?? 0)],
  CallLeftQueue: (said) => ["wait", text.leftQueue(queue(said.queue))],
  CallOffered: (said) => ["ring", text.offered(str(said.agent_id))],
  OfferEnded: (said) => ["ring", text.notTaken(str(said.agent_id), text.offerOutcome[str(said.outcome)] ?? str(said.outcome)), length(said.ring_s)],
  CallAnswered: (said) => ["talk", answered(said), said.returned === true || said.transferred === true || num(said.wait_s) === null ? "" : text.waited(length(said.wait_s))],
  CallHeld: () => ["hold", text.held],
  CallResumed: () => ["hold", text.resumed],
  AgentLegEnded: (said) => ["talk", said.replaced === true ? text.replaced(str(said.agent_id)) : text.agentLeft(str(said.agent_id)), num(said.talk_s) === null ? "" : text.talked(length(said.talk_s))],
  TransferStepped: (said) => ["transfer", text.transfer(target(said), step(said)), joined([why(said), (num(said.route) ?? 1) > 1 ? text.way(num(said.route) ?? 1) : ""])],
  LineKept: (said) => ["other", said.on === true ? text.keepOn : text.keepOff, str(said.agent_id)],
  RecordingPaused: (said) => ["other", text.recordingPaused, str(said.agent_id)],
  RecordingResumed: (said) => ["other", text.recordingResumed, said.by_itself === true ? text.byItself : ""],
  SupervisionChanged: (said) => ["other", said.mode === null ? text.unsupervised(str(said.agent_id)) : text.supervised(str(said.agent_id), spy(said))],
  CallbackAsked: () => ["other", text.callbackAsked],
  MachineHeard: () => ["other", text.machine],
  MessageLeft: () => ["other", text.message],
  CallEnded: (said) => ["end", text.ended, joined([words.record.endedBy[str(said.ended_by)] ?? "", (words.outcome as Record<string, string>)[str(said.outcome)] ?? ""])],
};

/** In the order in which things happened, whatever order they were written in. */
const inOrder = (events: readonly CallEvent[]): CallEvent[] => events.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));

export function timeline(events: readonly CallEvent[]): Line[] {
  const ordered = inOrder(events);
  const first = ordered[0] === undefined ? 0 : Date.parse(ordered[0].at);
  return ordered.flatMap((event, index) => {
    const [mark, what, more] = LINES[event.kind]?.(event.data) ?? [];
    if (mark === undefined || what === undefined) return [];
    const held = event.kind === "CallResumed" ? heldBefore(ordered, index) : null;
    const detail = joined([held === null ? (more ?? "") : text.heldFor(duration(held)), event.data.rebuilt === true ? text.rebuilt : ""]);
    return [{ at: event.at, afterMs: Date.parse(event.at) - first, mark, text: what, detail }];
  });
}

function heldBefore(ordered: readonly CallEvent[], index: number): number | null {
  const began = ordered.slice(0, index).findLast((each) => each.kind === "CallHeld");
  const until = ordered[index];
  return began === undefined || until === undefined ? null : Date.parse(until.at) - Date.parse(began.at);
}

/** A hold that nobody took back ends with the talk. */
export function sums(events: readonly CallEvent[]): Sums {
  const found: Sums = { holds: 0, heldMs: 0, offers: 0, transfers: 0 };
  let since: number | null = null;
  for (const event of inOrder(events)) {
    const at = Date.parse(event.at);
    if (event.kind === "CallHeld" && since === null) {
      found.holds += 1;
      since = at;
    } else if (since !== null && ["CallResumed", "AgentLegEnded", "CallEnded"].includes(event.kind)) {
      found.heldMs += at - since;
      since = null;
    }
    if (event.kind === "CallOffered") found.offers += 1;
    if (event.kind === "TransferStepped" && event.data.step === "requested") found.transfers += 1;
  }
  return found;
}

/** What the console sends and what its tests feed it satisfy the server's own schema of hotline.v1. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020";
import { describe, expect, it } from "vitest";
import { LinkMachine } from "./link/machine";
import {
  type Agent,
  BYE,
  type CallData,
  type ClientMessage,
  type EmergencyData,
  type LineFigures,
  type MeData,
  type QueueData,
  type ServerMessage,
  type TasksData,
  type WallData,
} from "./wire";
import type { Alert, CallbackHead, Cue, HandoffHead, Party, Transfer, WallAgent, WallCall } from "./wire_calls";
import type { Surge } from "./wire_desk";

const schema = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../tests/contract/hotline_v1.schema.json"), "utf8"),
) as { $defs: object; client: object; server: object; closeCodes: Record<string, number> };
const ajv = new Ajv2020({ strict: false, allErrors: true });
const fits = (side: "client" | "server", message: unknown): string => {
  const check = ajv.compile({ $defs: schema.$defs, ...schema[side] });
  return check(message) ? "" : ajv.errorsText(check.errors);
};

const links: MeData["links"] = {
  switch: { state: "live", reason: "" },
  speech: { state: "ok", reason: "", engine: "vosk" },
  database: { state: "ok", reason: "" },
};
const me: Required<MeData> = {
  agent: {
    id: "8001",
    display_name: "8001",
    seat: "8001",
    status: "paused",
    reasons: ["meal", "device_lost"],
    since: 1,
    call_id: null,
    next_reason: "busy",
    wrap_up_until: null,
    seat_kind: "desk_phone",
  },
  call: "1.1",
  links,
  today: { answered: 1, handle_s: 2.5 },
  alerts: [{ id: "drift", kind: "drift", at: 1, text_code: "drift", data: { drift: "ghost_call" } }],
  callbacks: { open: 3, overdue: 1 },
};
const transfer: Required<Transfer> = {
  id: "1.1-t1",
  target: { kind: "centre", value: "110", label: "110" },
  mode: "three_way",
  state: "ended",
  outcome: "failed",
  reason: "busy",
  route: 2,
  routes: 2,
  started_at: 1,
  ringing_at: null,
  joined_at: null,
  steps: [{ at: 1, step: "route_failed", route: 1, reason: "busy" }],
  handoff_id: "h",
  handoff_number: "n",
};
const party: Required<Party> = { role: "operator", label: "8001", agent_id: "8001", state: "music", since: null };
const cue: Required<Cue> = {
  id: "c1",
  call_id: "1.1",
  targets: ["120"],
  action: "transfer_now",
  seg: 1,
  start: 0,
  end: 3,
  text: "x",
  at: 1,
  state: "open",
  reason: null,
  notices: ["x"],
};
const call: Required<CallData> = {
  call: {
    id: "1.1",
    phase: "talking",
    caller: { number: "138****0000", name: "", repeat_7d: 0, open_tickets: 0 },
    line: "12345",
    queue: "hotline",
    arrived_at: 1,
    queued_at: 1,
    offered_at: 1,
    ring_s: 15,
    answered_at: 1,
    held_since: null,
    agent_left_at: null,
    ended_at: null,
    ended_by: null,
    outcome: null,
    answered_by: "8001",
    direction: "inbound",
    centre: "110",
    summary: "x",
    machine: false,
    keep_line: true,
    recording_paused_until: 1,
    priority_reason: "elder",
  },
  speech: { ...links.speech, complete: 0.8, recording: "pending" },
  transcript: [{ seg: 1, rev: 1, who: "caller", text: "x", t0: 0, t1: 1, final: false }],
  draft: null,
  transfer,
  parties: [party],
  supervision: { agent_id: "9001", mode: "whisper" },
  cues: [cue],
};
const queue: Required<QueueData> = {
  queues: { hotline: { waiting: [{ call_id: "1.1", since: 1, number: "138****0000", priority_reason: "repeat" }], count: 1, longest_since: 1 } },
  agents: { ready: 1, talking: 0, wrapping_up: 0, paused: 0, signed_in: 1 },
};
const wallAgent: Required<WallAgent> = { ...(me.agent as Required<Agent>), line: "12345", call_since: 1 };
const wallCall: Required<WallCall> = {
  id: "1.1",
  phase: "talking",
  line: "12345",
  agent_id: "8001",
  since: 1,
  number: "138****0000",
  transfer,
  direction: "outbound",
  centre: "",
  keep_line: false,
  supervision: null,
  priority_reason: null,
};
const alarm: Required<Alert> = { id: "device_lost:8001", kind: "device_lost", at: 1, text_code: "device_lost", data: { agent_id: "8001" } };
const figures: Required<LineFigures> = { answered: 1, arrived: 2, abandoned: 1, within_15s: 1, longest_wait_s: 2.5 };
const surge: Required<Surge> = { state: "announced", by: "person", reason: "x", since: 1, until: 2, arrivals: 3, waiting: 4, arrivals_limit: 0, waiting_limit: 5 };
const wall: Required<WallData> = {
  surge,
  agents: [wallAgent],
  calls: [wallCall],
  queues: queue.queues,
  kpi: { ...figures, lines: { "12345": figures } },
  alarms: [alarm],
  drift: { count: 0, last_at: null, last_kind: "" },
};
const handoff: Required<HandoffHead> = {
  id: "h",
  number: "n",
  call_id: "1.1",
  centre: "110",
  target: "110",
  agent_id: "8001",
  state: "joined",
  outcome: null,
  receipt: "",
  push_state: "pending",
  keep_line: false,
  started_at: 1,
  ended_at: null,
  version: 1,
};
const emergency: Required<EmergencyData> = { handoffs: [handoff] };
const missed: Required<CallbackHead> = {
  id: "b",
  number: "138****0000",
  line: "12345",
  reason: "abandoned",
  calls: 2,
  first_at: 1,
  last_at: 2,
  due_at: 3,
  owner: null,
  leased_until: null,
  tries: 0,
  status: "open",
  version: 1,
};
const tasks: Required<TasksData> = { callbacks: [missed], counts: { open: 1, overdue: 0 } };

describe("what we send", () => {
  const machine = new LinkMachine("tab", "build");
  machine.subscribe("me");
  machine.start(0);
  const hello = machine.opened("ticket", 0).flatMap((each) => (each.do === "send" ? [each.message] : []));
  const messages: ClientMessage[] = [
    ...hello,
    { t: "hello", v: 1, ticket: "t", tab: "x", build: "b", subs: [{ ch: "me", epoch: "e", seq: 3 }] },
    { t: "hb", now: 1 },
    { t: "sub", ch: "call/1.1" },
    { t: "unsub", ch: "call/1.1" },
    { t: "resync", ch: "me", have: 0 },
  ];
  it.each(messages.map((each) => [each.t, each] as const))("fits: %s", (_, message) => {
    expect(fits("client", message)).toBe("");
  });
});

describe("what we are ready to receive", () => {
  const messages: ServerMessage[] = [
    { t: "welcome", sid: "s", role: "operator", perms: [], hb: 5000, now: 1, build: "b" },
    { t: "snap", ch: "me", epoch: "e", seq: 1, data: me },
    { t: "snap", ch: "call/1.1", epoch: "e", seq: 1, data: call },
    { t: "snap", ch: "queue", epoch: "e", seq: 1, data: queue },
    { t: "snap", ch: "wall", epoch: "e", seq: 1, data: wall },
    { t: "snap", ch: "emergency", epoch: "e", seq: 1, data: emergency },
    { t: "snap", ch: "tasks", epoch: "e", seq: 1, data: tasks },
    { t: "p", ch: "call/1.1", seq: 2, ts: 1, ops: [["set", "call/phase", "held"], ["del", "x"], ["app", "transcript", call.transcript[0]]] },
    { t: "b", p: [{ t: "p", ch: "me", seq: 2, ts: 1, ops: [["set", "call", null]] }] },
    { t: "hb", now: 1, seqs: { me: 1 } },
    { t: "err", ch: "call/1.1", code: "forbidden" },
    { t: "bye", code: 4010, retry: [0, 3000] },
  ];
  it.each(messages.map((each) => [each.t, each] as const))("fits: %s", (_, message) => {
    expect(fits("server", message)).toBe("");
  });

  it("names every close code", () => {
    expect(Object.values(BYE).sort()).toEqual(Object.values(schema.closeCodes).sort());
  });
});

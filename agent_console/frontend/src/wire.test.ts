/** What the console sends and what its tests feed it satisfy the server's own schema of hotline.v1. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020";
import { describe, expect, it } from "vitest";
import { LinkMachine } from "./link/machine";
import { BYE, type CallData, type ClientMessage, type MeData, type QueueData, type ServerMessage } from "./wire";

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
  },
  call: "1.1",
  links,
  today: { answered: 1, handle_s: 2.5 },
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
  },
  speech: links.speech,
  transcript: [{ seg: 1, rev: 1, who: "caller", text: "x", t0: 0, t1: 1, final: false }],
  draft: null,
};
const queue: Required<QueueData> = {
  queues: { hotline: { waiting: [{ call_id: "1.1", since: 1, number: "138****0000" }], count: 1, longest_since: 1 } },
  agents: { ready: 1, talking: 0, wrapping_up: 0, paused: 0, signed_in: 1 },
};

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

import { describe, expect, it } from "vitest";
import { nameQueues } from "../queue_names";
import type { CallEvent } from "../wire_desk";
import { sums, timeline } from "./timeline";

const at = (seconds: number): string => new Date(Date.UTC(2026, 10, 21, 6, 0, seconds)).toISOString();
const event = (seconds: number, kind: string, data: Record<string, unknown> = {}): CallEvent => ({ at: at(seconds), kind, data });

const STORY: CallEvent[] = [
  event(0, "CallArrived", { line: "12345", centre: "", rebuilt: false }),
  event(4, "CallQueued", { queue: "hotline", position: 2 }),
  event(5, "CallOffered", { agent_id: "8002" }),
  event(20, "OfferEnded", { agent_id: "8002", outcome: "no_answer", ring_s: 15 }),
  event(21, "CallOffered", { agent_id: "8001" }),
  event(24, "CallAnswered", { agent_id: "8001", wait_s: 20 }),
  event(40, "CallHeld"),
  event(50, "CallResumed"),
  event(60, "TransferStepped", { step: "requested", target: { kind: "centre", value: "110" }, route: 1, reason: null }),
  event(62, "TransferStepped", { step: "route_failed", target: { kind: "centre", value: "110" }, route: 2, reason: "busy" }),
  event(100, "AgentLegEnded", { agent_id: "8001", talk_s: 76 }),
  event(101, "CallEnded", { outcome: "answered", ended_by: "caller" }),
];

describe("what happened in a call", () => {
  it("is told line by line, with how long each thing took", () => {
    nameQueues({ hotline: "政务热线" });
    const told = timeline(STORY);
    expect(told.map((each) => each.text)).toEqual([
      "来电接入 12345",
      "进入队列 政务热线",
      "座席 8002 振铃",
      "座席 8002 未接听：无人应答",
      "座席 8001 振铃",
      "座席 8001 接听",
      "保持，市民听音乐",
      "取回",
      "110：发起呼叫",
      "110：本路未通",
      "座席 8001 退出",
      "通话结束",
    ]);
    expect(told.map((each) => each.detail)).toEqual(["", "排第 2 位", "", "00:15", "", "等待 00:20", "", "保持 00:10", "", "忙线、第 2 路", "通话 01:16", "市民挂断、已接听"]);
    expect(told.at(-1)?.afterMs).toBe(101_000);
  });

  it("is the same in whatever order it was written", () => {
    expect(timeline(STORY.toReversed())).toEqual(timeline(STORY));
    expect(sums(STORY.toReversed())).toEqual(sums(STORY));
  });

  it("leaves out what it does not know and never shows a bare object", () => {
    const told = timeline([event(0, "SomethingNew", { x: { y: 1 } }), event(1, "CallEnded", { outcome: "dreamt", ended_by: null })]);
    expect(told.map((each) => [each.text, each.detail])).toEqual([["通话结束", ""]]);
    expect(timeline([])).toEqual([]);
  });

  it("sums up holds, offers and transfers; a hold that nobody took back ends with the talk", () => {
    expect(sums(STORY)).toEqual({ holds: 1, heldMs: 10_000, offers: 2, transfers: 1 });
    const open = [event(0, "CallHeld"), event(0, "CallHeld"), event(7, "AgentLegEnded", {})];
    expect(sums(open)).toEqual({ holds: 1, heldMs: 7_000, offers: 0, transfers: 0 });
  });
});

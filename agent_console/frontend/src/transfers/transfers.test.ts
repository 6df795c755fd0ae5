import { describe, expect, it } from "vitest";
import type { FieldName, FieldValue } from "../wire";
import type { Transfer, TransferTargets } from "../wire_calls";
import { told } from "./script";
import { allowed, failedWays, mark, stepsOf, underWay } from "./steps";
import { choices, fitsRule, reaching, refusedNumber } from "./targets";

const transfer = (part: Partial<Transfer> = {}): Transfer => ({
  id: "1.1-t1",
  target: { kind: "centre", value: "110", label: "110" },
  mode: "three_way",
  state: "dialling",
  outcome: null,
  reason: null,
  route: 1,
  routes: 2,
  started_at: 1000,
  ringing_at: null,
  joined_at: null,
  steps: [{ at: 1000, step: "requested", route: 1, reason: null }],
  handoff_id: "h",
  handoff_number: "n",
  ...part,
});
const step = (name: Transfer["steps"][number]["step"], at: number, route = 1, reason: Transfer["reason"] = null) => ({ at, step: name, route, reason });
const states = (each: Transfer): string => stepsOf(each).map((one) => one.state).join(" ");

describe("the three steps", () => {
  it("follow a call to a centre until the operator has left", () => {
    expect(states(transfer())).toBe("now todo todo");
    const answered = [step("requested", 1000), step("ringing", 1200), step("answered", 2300)];
    expect(states(transfer({ state: "ringing", steps: answered }))).toBe("done now todo");
    const joined = transfer({ state: "joined", joined_at: 2400, steps: [...answered, step("joined", 2400)] });
    expect(states(joined)).toBe("done done now");
    expect(stepsOf(joined).map((each) => each.tookMs)).toEqual([1300, 100, null]);
    expect(states(transfer({ ...joined, state: "handed_over", steps: [...joined.steps, step("handed_over", 9400)] }))).toBe("done done done");
  });

  it("say where it failed, and that a target who left after the talk did not fail", () => {
    expect(states(transfer({ state: "ended", outcome: "failed" }))).toBe("failed todo todo");
    const left = transfer({ state: "ended", outcome: "target_left", joined_at: 2, steps: [step("joined", 2), step("target_left", 5)] });
    expect(states(left)).toBe("done done todo");
  });

  it("of a private word first: answered, not yet all together", () => {
    expect(states(transfer({ state: "private", mode: "consult", steps: [step("answered", 2), step("private", 3)] }))).toBe("done now now");
  });
});

describe("what failed and what may be done", () => {
  it("names each way once, with the reason of its end", () => {
    const both = transfer({
      state: "ended",
      steps: [step("route_failed", 4000, 1, "busy"), step("route_failed", 9000, 2, "silent"), step("failed", 9000, 2, "silent")],
    });
    expect(failedWays(both)).toEqual([
      { route: 1, reason: "busy", at: 4000 },
      { route: 2, reason: "silent", at: 9000 },
    ]);
  });

  it("lets nobody leave while the line is to be kept", () => {
    expect(allowed(transfer({ state: "joined" }), false)).toMatchObject({ leave: true, private: true, drop: true, cancel: false });
    expect(allowed(transfer({ state: "joined" }), true).leave).toBe(false);
    expect(allowed(transfer(), false)).toMatchObject({ leave: false, cancel: true });
    expect(allowed(transfer({ state: "private" }), false)).toMatchObject({ together: true, private: false });
  });

  it("marks every change, for an outcome that nobody told", () => {
    expect(mark(null)).toBe("");
    expect(mark(transfer())).not.toBe(mark(transfer({ state: "ringing" })));
    expect(underWay(transfer({ state: "handed_over" }))).toBe(false);
    expect(underWay(null)).toBe(false);
  });
});

const TARGETS: TransferTargets = {
  centres: [{ code: "110", name: "police", key: 1 }],
  agents: [
    { agent_id: "8003", display_name: "C", status: "talking" },
    { agent_id: "8002", display_name: "B", status: "ready" },
    { agent_id: "8001", display_name: "me", status: "talking" },
    { agent_id: "8004", display_name: "D", status: "signed_out" },
  ],
  queues: [{ name: "tax", label: "tax desk" }],
  numbers: [{ name: "water works", number: "5550100" }],
  lines: [
    { number: "12366", label: "tax", queue: "hotline", centre: "t1" },
    { number: "12329", label: "funds", queue: "housing", centre: null },
    { number: "12369", label: "waste", queue: "hotline", centre: null },
  ],
  number_rule: "0?1[3-9][0-9]{9}",
};

describe("the picker", () => {
  it("lists colleagues who are there, the free ones first, and never oneself", () => {
    const agents = choices(TARGETS, "", "8001").filter((each) => each.group === "agent");
    expect(agents.map((each) => each.detail)).toEqual(["8002", "8003"]);
  });

  it("is narrowed by name and by number", () => {
    expect(choices(TARGETS, "water", null).map((each) => each.target.value)).toEqual(["5550100"]);
    expect(choices(TARGETS, "5550", null)).toHaveLength(1);
  });

  it("sends a call to a queue only without staying in it", () => {
    expect(choices(TARGETS, "tax", null)[0]?.modes).toEqual(["blind"]);
  });

  it("offers a free number that the rule allows as a whole, and says no to another", () => {
    expect(choices(TARGETS, "138 0000 0000", null)[0]).toMatchObject({ group: "free", target: { kind: "number", value: "13800000000" } });
    expect(choices(TARGETS, "138000000001", null)).toEqual([]);
    expect(refusedNumber(TARGETS, "138000000001", null)).toBe(true);
    expect(refusedNumber(TARGETS, "no digits", null)).toBe(false);
    expect(fitsRule("1", "(")).toBe(false);
    expect(fitsRule("13800000000", "")).toBe(false);
  });
});

describe("a number that was spoken of", () => {
  const reach = (code: string, queue: string | null = "hotline") => reaching(TARGETS, code, queue);

  it("is a centre by its key, a centre without one in the picker, also under its line's number", () => {
    expect(reach("110")).toEqual({ by: "emergency", code: "110" });
    const unkeyed = { ...TARGETS, centres: [...TARGETS.centres, { code: "t1", name: "tax", key: null }] };
    expect(reaching(unkeyed, "12366", "hotline")).toEqual({ by: "picker", target: { kind: "centre", value: "t1" } });
  });

  it("is a queue of its own, or here already", () => {
    expect(reach("12329")).toEqual({ by: "picker", target: { kind: "queue", value: "housing" } });
    expect(reach("12369")).toEqual({ by: "here" });
    expect(reach("12369", "housing")).toMatchObject({ by: "picker", target: { value: "hotline" } });
  });

  it("is dialled where that is allowed, and else told to the caller", () => {
    expect(reach("5550100")).toEqual({ by: "picker", target: { kind: "number", value: "5550100" } });
    expect(reach("12333")).toEqual({ by: "word" });
    expect(reaching({ ...TARGETS, number_rule: "123\\d\\d" }, "12333", null)).toMatchObject({ by: "picker", target: { kind: "number" } });
  });
});

describe("the script", () => {
  const of = (fields: Partial<Record<FieldName, FieldValue>>, number = "138****0000") => told((name) => fields[name] ?? null, number);

  it("takes what the ticket says, without a masked number", () => {
    expect(of({ caller_name: " W ", district: "D", address: "A 4", title: "T" })).toEqual({ name: "W", address: "DA 4", what: "T", number: "" });
    expect(of({ contact_phone: "5550100", description: "long" })).toMatchObject({ what: "long", number: "5550100" });
  });

  it("does not say the district twice, nor the name of somebody who wants to stay unknown", () => {
    expect(of({ district: "D", address: "D A 4" }).address).toBe("D A 4");
    expect(of({ caller_name: "W", anonymous: true }).name).toBe("");
  });
});

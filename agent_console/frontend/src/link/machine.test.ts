import { describe, expect, it } from "vitest";
import type { Patch, PatchOp, ServerMessage } from "../wire";
import { type Effect, LinkMachine, SILENCE_MS } from "./machine";

const welcome = (now: number): ServerMessage => ({ t: "welcome", sid: "s", role: "operator", perms: [], hb: 5000, now, build: "b" });
const snap = (ch: string, seq: number, data: unknown, epoch = "e1"): ServerMessage => ({ t: "snap", ch, epoch, seq, data });
const patch = (ch: string, seq: number, ...ops: PatchOp[]): Patch => ({ t: "p", ch, seq, ops });
const sent = (effects: Effect[]): unknown[] => effects.flatMap((each) => (each.do === "send" ? [each.message] : []));

/** A machine whose link is up at time 0 with `me` at sequence 1. */
function live(random = () => 0.5): LinkMachine {
  const machine = new LinkMachine("tab", "b", random);
  machine.subscribe("me");
  expect(machine.start(0)).toEqual([{ do: "connect" }]);
  machine.opened("ticket", 0);
  machine.received(welcome(1000), 0);
  machine.received(snap("me", 1, { n: 0 }), 0);
  expect(machine.status).toBe("live");
  return machine;
}

const data = (machine: LinkMachine, ch = "me"): unknown => machine.channels.get(ch)?.data;

describe("greeting", () => {
  it("sends the ticket and the wanted channels in the first message", () => {
    const machine = new LinkMachine("tab", "b");
    machine.subscribe("me");
    machine.subscribe("queue");
    machine.start(0);
    expect(sent(machine.opened("t1", 5))).toEqual([
      { t: "hello", v: 1, ticket: "t1", tab: "tab", build: "b", subs: [{ ch: "me" }, { ch: "queue" }] },
    ]);
  });

  it("offers epoch and sequence when it comes back", () => {
    const machine = live();
    machine.closed(1006, 100);
    machine.tick(60_000);
    const [hello] = sent(machine.opened("t2", 60_000));
    expect(hello).toMatchObject({ subs: [{ ch: "me", epoch: "e1", seq: 1 }] });
  });

  it("takes the server's clock", () => {
    expect(live().offsetMs).toBe(1000);
  });

  it("gives up an attempt that gets no answer", () => {
    const machine = new LinkMachine("tab", "b");
    machine.start(0);
    expect(machine.tick(9_999)).toEqual([]);
    expect(machine.tick(10_000)).toEqual([{ do: "close" }]);
    expect(machine.status).toBe("waiting");
  });
});

describe("patches", () => {
  it("apply in order", () => {
    const machine = live();
    machine.received(patch("me", 2, ["set", "n", 1]), 10);
    machine.received({ t: "b", p: [patch("me", 3, ["set", "n", 2]), patch("me", 4, ["set", "m", 3])] }, 20);
    expect(data(machine)).toEqual({ n: 2, m: 3 });
  });

  it("are ignored when they are old", () => {
    const machine = live();
    machine.received(patch("me", 1, ["set", "n", 9]), 10);
    expect(data(machine)).toEqual({ n: 0 });
  });

  it("wait behind a gap, which is asked for once, and apply when it is filled", () => {
    const machine = live();
    expect(sent(machine.received(patch("me", 3, ["set", "n", 3]), 10))).toEqual([{ t: "resync", ch: "me", have: 1 }]);
    expect(sent(machine.received(patch("me", 4, ["set", "m", 4]), 11))).toEqual([]);
    machine.received(patch("me", 2, ["set", "n", 2]), 12);
    expect(data(machine)).toEqual({ n: 3, m: 4 });
    expect(machine.channels.get("me")).toMatchObject({ seq: 4, early: [], resyncAt: null });
  });

  it("ask again when the gap is not filled", () => {
    const machine = live();
    machine.received(patch("me", 3, ["set", "n", 3]), 10);
    machine.received({ t: "hb", now: 5000, seqs: {} }, 4000);
    expect(sent(machine.tick(4_000))).toEqual([]);
    expect(sent(machine.tick(5_010))).toContainEqual({ t: "resync", ch: "me", have: 1 });
  });

  it("that come before the snapshot wait for it", () => {
    const machine = live();
    machine.subscribe("queue");
    machine.received(patch("queue", 8, ["set", "n", 8]), 1);
    machine.received(patch("queue", 7, ["set", "n", 7]), 2);
    machine.received(snap("queue", 7, { n: 7 }), 3);
    expect(data(machine, "queue")).toEqual({ n: 8 });
  });

  it("that do not fit our copy lead to a new subscription, never to a guess", () => {
    const machine = live();
    const effects = machine.received(patch("me", 2, ["set", "n/deep", 1]), 10);
    expect(sent(effects)).toEqual([{ t: "unsub", ch: "me" }, { t: "sub", ch: "me" }]);
    machine.received(snap("me", 2, { n: { deep: 1 } }), 20);
    expect(data(machine)).toEqual({ n: { deep: 1 } });
  });

  it("of channels that nobody wants are dropped", () => {
    const machine = live();
    machine.received(patch("wall", 2, ["set", "n", 1]), 10);
    expect(machine.channels.has("wall")).toBe(false);
  });

  it("lost at the tail are found by the heartbeat", () => {
    const machine = live();
    expect(sent(machine.received({ t: "hb", now: 1100, seqs: { me: 2 } }, 100))).toEqual([{ t: "resync", ch: "me", have: 1 }]);
    expect(sent(machine.received({ t: "hb", now: 1200, seqs: { me: 2 } }, 200))).toEqual([]);
  });

  it("start over with a snapshot of a new epoch", () => {
    const machine = live();
    machine.received(snap("me", 1, { fresh: true }, "e2"), 10);
    machine.received(patch("me", 2, ["set", "n", 1]), 11);
    expect(data(machine)).toEqual({ fresh: true, n: 1 });
  });
});

describe("heartbeat", () => {
  it("is sent at the server's pace", () => {
    const machine = live();
    expect(sent(machine.tick(4_999))).toEqual([]);
    expect(sent(machine.tick(5_000))).toEqual([{ t: "hb", now: 5_000 }]);
    expect(sent(machine.tick(5_001))).toEqual([]);
  });

  it("missing for twelve seconds means that the link is dead", () => {
    const machine = live();
    expect(machine.tick(SILENCE_MS - 1)).not.toContainEqual({ do: "close" });
    expect(machine.tick(SILENCE_MS)).toContainEqual({ do: "close" });
    expect(machine.status).toBe("waiting");
    expect(machine.attempt).toBe(1);
  });
});

describe("coming back", () => {
  it("backs off with jitter up to eight seconds, and for ever", () => {
    const machine = live(() => 1);
    const waits: number[] = [];
    let now = 0;
    for (let attempt = 0; attempt < 7; attempt += 1) {
      machine.closed(1006, now);
      waits.push((machine.retryAt as number) - now);
      now = machine.retryAt as number;
      expect(machine.tick(now)).toEqual([{ do: "connect" }]);
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000]);
  });

  it("forgets the failures once it is live", () => {
    const machine = live();
    machine.closed(1006, 0);
    machine.tick(10_000);
    machine.opened("t", 10_000);
    machine.received(welcome(11_000), 10_000);
    expect(machine.attempt).toBe(0);
  });

  it("does not wait when the network or the page comes back", () => {
    const machine = live();
    machine.closed(1006, 0);
    expect(machine.wake(1)).toEqual([{ do: "connect" }]);
    expect(machine.wake(2)).toEqual([]);
  });

  it("spreads over the time that a draining server asks for", () => {
    const machine = live(() => 0.5);
    expect(machine.received({ t: "bye", code: 4010, retry: [0, 3000] }, 100)).toEqual([{ do: "close" }]);
    expect(machine.retryAt).toBe(1600);
  });

  it("never happens by itself after another window took over", () => {
    const machine = live();
    machine.received({ t: "bye", code: 4002 }, 100);
    expect(machine.status).toBe("superseded");
    expect(machine.tick(1_000_000)).toEqual([]);
    expect(machine.wake(1_000_000)).toEqual([]);
    expect(machine.takeOver(1_000_001)).toEqual([{ do: "connect" }]);
  });

  it("never happens after the session ended", () => {
    const machine = live();
    machine.closed(4003, 100);
    expect(machine.status).toBe("ended");
    expect(machine.tick(1_000_000)).toEqual([]);
  });

  it("keeps what was known meanwhile", () => {
    const machine = live();
    machine.closed(1006, 5);
    expect(data(machine)).toEqual({ n: 0 });
  });
});

describe("a refused channel", () => {
  it("can be asked for again", () => {
    const machine = live();
    machine.subscribe("call/1");
    machine.received({ t: "err", ch: "call/1", code: "forbidden" }, 5);
    expect(machine.channels.get("call/1")?.refused).toBe("forbidden");
    expect(sent(machine.subscribe("call/1"))).toEqual([{ t: "sub", ch: "call/1" }]);
    expect(sent(machine.unsubscribe("call/1"))).toEqual([{ t: "unsub", ch: "call/1" }]);
  });
});

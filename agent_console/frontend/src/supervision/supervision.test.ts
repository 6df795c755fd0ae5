import { describe, expect, it } from "vitest";
import type { AgentStatus, PauseReason } from "../wire";
import type { WallAgent } from "../wire_calls";
import { counts, shownAgents, tooLong } from "./agents";
import { freshness, percent, rates, waiting, waitingNow } from "./figures";

const agent = (id: string, status: AgentStatus, since: number, reasons: PauseReason[] = []): WallAgent => ({
  id,
  display_name: `N${id}`,
  seat: id,
  status,
  reasons,
  since,
  call_id: null,
  next_reason: null,
  wrap_up_until: null, seat_kind: "softphone",
  line: null,
  call_since: null,
});

const SHIFT = [
  agent("8003", "ready", 300),
  agent("8001", "talking", 100),
  agent("8002", "paused", 200, ["device_lost"]),
  agent("8004", "paused", 50, ["meal"]),
  agent("8005", "signed_out", 1),
  agent("8006", "ringing", 400),
];

describe("the grid", () => {
  it("counts each person once, and trouble beside it", () => {
    expect(counts(SHIFT)).toEqual({ all: 5, ready: 1, talking: 2, wrapping: 0, paused: 2, trouble: 1 });
  });

  it("puts trouble first and then the longest in a state", () => {
    expect(shownAgents(SHIFT, "all", "", "since").map((each) => each.id)).toEqual(["8002", "8004", "8001", "8003", "8006"]);
    expect(shownAgents(SHIFT, "all", "", "id").map((each) => each.id)).toEqual(["8001", "8002", "8003", "8004", "8006"]);
  });

  it("is narrowed by state and by name, and leaves out who has gone", () => {
    expect(shownAgents(SHIFT, "paused", "", "id")).toHaveLength(2);
    expect(shownAgents(SHIFT, "trouble", "", "id").map((each) => each.id)).toEqual(["8002"]);
    expect(shownAgents(SHIFT, "all", "n8005", "id")).toEqual([]);
    expect(shownAgents(SHIFT, "all", " n8001 ", "id")).toHaveLength(1);
  });

  it("marks who talks, wraps up or pauses for too long", () => {
    expect(tooLong(agent("1", "talking", 0), 10 * 60_000)).toBe(false);
    expect(tooLong(agent("1", "talking", 0), 10 * 60_000 + 1)).toBe(true);
    expect(tooLong(agent("1", "ready", 0), 1e9)).toBe(false);
  });
});

describe("the figures", () => {
  const line = (count: number, ...since: number[]) => ({
    count,
    longest_since: since[0] ?? null,
    waiting: since.map((at, index) => ({ call_id: `${at}.${index}`, since: at, number: "1****2", priority_reason: null })),
  });

  it("are unknown while nobody has called, and never above one", () => {
    expect(rates({ answered: 0, arrived: 2, abandoned: 0, within_15s: 0, longest_wait_s: 0 })).toEqual({ answered: null, abandoned: null, within: null });
    const found = rates({ answered: 9, arrived: 11, abandoned: 1, within_15s: 8, longest_wait_s: 30 });
    expect([found.answered, found.abandoned].map(percent)).toEqual(["90.0%", "10.0%"]);
    expect(percent(found.within)).toBe("88.9%");
    expect(percent(null)).toBe("—");
  });

  it("line up who waits, over all queues", () => {
    const queues = { b: line(1, 30), a: line(2, 10, 40) };
    expect(waiting(queues).map((each) => each.since)).toEqual([10, 30, 40]);
    expect(waitingNow(queues)).toEqual({ count: 3, since: 10 });
    expect(waitingNow({})).toEqual({ count: 0, since: null });
  });

  it("are as fresh as the stream behind them", () => {
    expect(freshness(400, true)).toBe("fresh");
    expect(freshness(8_000, true)).toBe("late");
    expect(freshness(20_000, true)).toBe("stale");
    expect(freshness(10, false)).toBe("stale");
    expect(freshness(null, true)).toBe("stale");
  });
});

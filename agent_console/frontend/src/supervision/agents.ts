/** The grid of a shift: who is shown, in which order, and who has been in one state for too long (pure). */
import type { AgentStatus, PauseReason } from "../wire";
import type { WallAgent } from "../wire_calls";

export type Filter = "all" | "ready" | "talking" | "wrapping" | "paused" | "trouble";
export type SortBy = "since" | "id";

export const FILTERS: readonly Filter[] = ["all", "ready", "talking", "wrapping", "paused", "trouble"];

/** Nobody chose these: something is wrong with the seat, or with the person's day. */
const TROUBLE: ReadonlySet<PauseReason> = new Set<PauseReason>(["device_lost", "no_answer", "wrap_up_overrun"]);

const MINUTE_MS = 60_000;
const LONG_MS: Partial<Record<AgentStatus, number>> = {
  talking: 10 * MINUTE_MS,
  wrapping_up: 3 * MINUTE_MS,
  paused: 15 * MINUTE_MS,
};

export const inTrouble = (agent: WallAgent): boolean => agent.reasons.some((each) => TROUBLE.has(each));

export function group(agent: WallAgent): Exclude<Filter, "all" | "trouble"> | null {
  switch (agent.status) {
    case "ready":
      return "ready";
    case "ringing":
    case "talking":
      return "talking";
    case "wrapping_up":
      return "wrapping";
    case "paused":
      return "paused";
    case "signed_out":
      return null;
  }
}

export function fits(agent: WallAgent, filter: Filter): boolean {
  if (agent.status === "signed_out") return false;
  if (filter === "all") return true;
  return filter === "trouble" ? inTrouble(agent) : group(agent) === filter;
}

/** In one pass, for the numbers beside the filters. */
export function counts(agents: readonly WallAgent[]): Record<Filter, number> {
  const found: Record<Filter, number> = { all: 0, ready: 0, talking: 0, wrapping: 0, paused: 0, trouble: 0 };
  for (const each of agents) {
    const of = group(each);
    if (of === null) continue;
    found.all += 1;
    found[of] += 1;
    if (inTrouble(each)) found.trouble += 1;
  }
  return found;
}

/** Trouble first whatever the order, then the longest in its state, or by work number. */
export function shownAgents(agents: readonly WallAgent[], filter: Filter, text: string, sort: SortBy): WallAgent[] {
  const asked = text.trim().toLowerCase();
  return agents
    .filter((each) => fits(each, filter) && (asked === "" || `${each.id} ${each.display_name}`.toLowerCase().includes(asked)))
    .sort((a, b) => {
      if (sort === "id") return a.id.localeCompare(b.id);
      return Number(inTrouble(b)) - Number(inTrouble(a)) || a.since - b.since || a.id.localeCompare(b.id);
    });
}

export const tooLong = (agent: WallAgent, now: number): boolean => {
  const limit = LONG_MS[agent.status];
  return limit !== undefined && now - agent.since > limit;
};

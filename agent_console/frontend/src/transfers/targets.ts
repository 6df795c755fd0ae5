/** The picker's list: who a call may go to, narrowed by what was typed; a free number checked by the server's rule (pure). */
import type { AgentStatus } from "../wire";
import type { TransferMode, TransferTarget, TransferTargets } from "../wire_calls";

export interface Choice {
  target: TransferTarget;
  label: string;
  group: "centre" | "agent" | "queue" | "number" | "free";
  /** Of a colleague. */
  status: AgentStatus | null;
  /** What stands beside the name: a code, a work number, digits. */
  detail: string;
  /** Nobody talks to a queue, and a colleague who is not free does not answer. */
  modes: readonly TransferMode[];
  free: boolean;
}

/** A centre is known by its number, and its name beside it. */
export function nameOf(target: TransferTarget & { label: string }): string {
  if (target.kind === "centre" && !target.label.includes(target.value)) return `${target.value} ${target.label}`.trim();
  return target.label || target.value;
}

const ALL: readonly TransferMode[] = ["three_way", "consult", "blind"];
const ONLY_BLIND: readonly TransferMode[] = ["blind"];

export function fitsRule(number: string, rule: string): boolean {
  if (rule === "" || number === "") return false;
  try {
    return new RegExp(`^(?:${rule})$`).test(number);
  } catch {
    return false;
  }
}

/** The same one wherever the list has moved it. */
export const keyOf = (target: TransferTarget): string => `${target.kind}/${target.value}`;

/** Digits as a person types them: spaces and hyphens between groups do not count. */
export const dialled = (text: string): string => text.replace(/[\s-]/g, "");

export function choices(targets: TransferTargets, text: string, me: string | null): Choice[] {
  const asked = text.trim().toLowerCase();
  const all: Choice[] = [
    ...targets.centres.map(
      (each): Choice => ({
        target: { kind: "centre", value: each.code },
        label: each.name,
        group: "centre",
        status: null,
        detail: each.code,
        modes: ALL,
        free: true,
      }),
    ),
    ...targets.agents
      .filter((each) => each.agent_id !== me && each.status !== "signed_out")
      .map(
        (each): Choice => ({
          target: { kind: "agent", value: each.agent_id },
          label: each.display_name,
          group: "agent",
          status: each.status,
          detail: each.agent_id,
          modes: ALL,
          free: each.status === "ready",
        }),
      )
      .sort((a, b) => Number(b.free) - Number(a.free) || a.detail.localeCompare(b.detail)),
    ...targets.queues.map(
      (each): Choice => ({
        target: { kind: "queue", value: each.name },
        label: each.label,
        group: "queue",
        status: null,
        detail: "",
        modes: ONLY_BLIND,
        free: true,
      }),
    ),
    ...targets.numbers.map(
      (each): Choice => ({
        target: { kind: "number", value: each.number },
        label: each.name,
        group: "number",
        status: null,
        detail: each.number,
        modes: ALL,
        free: true,
      }),
    ),
  ];
  const found = all.filter((each) => asked === "" || `${each.label} ${each.detail}`.toLowerCase().includes(asked));
  const number = dialled(asked);
  const known = all.some((each) => each.target.value === number);
  if (!known && fitsRule(number, targets.number_rule)) {
    found.push({ target: { kind: "number", value: number }, label: number, group: "free", status: null, detail: "", modes: ALL, free: true });
  }
  return found;
}

/** Something like a number was typed, it is nobody's, and the rule does not allow it. */
export function refusedNumber(targets: TransferTargets, text: string, me: string | null): boolean {
  const number = dialled(text);
  return /^\d{3,}$/.test(number) && choices(targets, text, me).length === 0;
}

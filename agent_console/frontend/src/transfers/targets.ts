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

/** What can be done about a number that was spoken of: call it by its key, choose it in the picker, nothing but say it. */
export type Reach = { by: "emergency"; code: string } | { by: "picker"; target: TransferTarget } | { by: "here" } | { by: "word" };

/** `queue`: the one from which the citizen comes; a line whose calls land there is answered by whoever talks already. */
export function reaching(targets: TransferTargets, code: string, queue: string | null): Reach {
  const line = targets.lines.find((each) => each.number === code);
  const centre = targets.centres.find((each) => each.code === code || each.code === line?.centre);
  if (centre !== undefined) {
    return centre.key === null ? { by: "picker", target: { kind: "centre", value: centre.code } } : { by: "emergency", code: centre.code };
  }
  if (line !== undefined) return line.queue === queue ? { by: "here" } : { by: "picker", target: { kind: "queue", value: line.queue } };
  const dialable = targets.numbers.some((each) => each.number === code) || fitsRule(code, targets.number_rule);
  return dialable ? { by: "picker", target: { kind: "number", value: code } } : { by: "word" };
}

/** Something like a number was typed, it is nobody's, and the rule does not allow it. */
export function refusedNumber(targets: TransferTargets, text: string, me: string | null): boolean {
  const number = dialled(text);
  return /^\d{3,}$/.test(number) && choices(targets, text, me).length === 0;
}

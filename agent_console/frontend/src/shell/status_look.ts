/** Icon and colour of each state; the words stand beside them, so that colour never speaks alone. */
import type { AgentStatus } from "../wire";

export interface Look {
  icon: string;
  colour: "green" | "blue" | "purple" | "amber" | "grey" | "red";
}

const LOOKS: Record<AgentStatus, Look> = {
  signed_out: { icon: "○", colour: "grey" },
  ready: { icon: "●", colour: "green" },
  ringing: { icon: "◉", colour: "blue" },
  talking: { icon: "▶", colour: "blue" },
  wrapping_up: { icon: "✎", colour: "purple" },
  paused: { icon: "■", colour: "amber" },
};

export const look = (status: AgentStatus, held: boolean, fault: boolean): Look => {
  if (fault) return { icon: "✕", colour: "red" };
  return status === "talking" && held ? { icon: "‖", colour: "blue" } : LOOKS[status];
};

/** What the connection lights may truthfully say. Behind a cut stream nothing is known of the parts behind it (pure). */
import type { LinkStatus } from "./link/machine";
import type { PhoneLine } from "./phone/softphone";
import type { MeData } from "./wire";

export type LightState = "ok" | "busy" | "degraded" | "down" | "off" | "unknown";
export type LightName = "data" | "phone" | "speech" | "switch";

export interface Light {
  name: LightName;
  state: LightState;
  /** The server's reason or the engine; "" when there is nothing to add. */
  detail: string;
}

const OK = new Set(["ok", "live"]);
const BUSY = new Set(["connecting", "logged_in", "syncing"]);

function serverState(state: string): LightState {
  if (OK.has(state)) return "ok";
  if (BUSY.has(state)) return "busy";
  if (state === "degraded") return "degraded";
  return "down";
}

const DATA: Record<LinkStatus, LightState> = {
  idle: "off",
  connecting: "busy",
  greeting: "busy",
  live: "ok",
  waiting: "down",
  superseded: "off",
  ended: "off",
};

const PHONE: Record<PhoneLine, LightState> = {
  off: "off",
  connecting: "busy",
  registered: "ok",
  lost: "down",
  refused: "down",
};

export interface Known {
  link: LinkStatus;
  attempt: number;
  phone: PhoneLine;
  me: MeData | null;
}

/** A first connection attempt is `busy`; one that follows a loss stays `down` until it succeeds. */
export function lights({ link, attempt, phone, me }: Known): Light[] {
  const data = DATA[link] === "busy" && attempt > 0 ? "down" : DATA[link];
  const known = data === "ok" && me !== null;
  const agent = me?.agent ?? null;
  const byDeskPhone = agent?.seat_kind === "desk_phone" && agent.status !== "signed_out";
  const desk: LightState = !known ? "unknown" : agent?.reasons.includes("device_lost") ? "down" : "ok";
  return [
    { name: "data", state: data, detail: "" },
    { name: "phone", state: byDeskPhone ? desk : PHONE[phone], detail: byDeskPhone ? (agent?.seat ?? "") : "" },
    {
      name: "speech",
      state: known ? serverState(me.links.speech.state) : "unknown",
      detail: known ? me.links.speech.reason || me.links.speech.engine : "",
    },
    {
      name: "switch",
      state: known ? serverState(me.links.switch.state) : "unknown",
      detail: known ? me.links.switch.reason : "",
    },
  ];
}

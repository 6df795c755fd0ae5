/** `window.__hotline`: moments and counters that tests and measurements read. It can change nothing. */
import type { MediaCounters, PhoneMark } from "./phone/softphone";
import type { Turn } from "./wire";

interface SeenTurn {
  callId: string;
  seg: number;
  who: string;
  /** Epoch ms at which this page first had any text, and the final text, of the segment. */
  firstAt: number;
  finalAt: number | null;
}

export interface Probe {
  readonly build: string;
  readonly marks: readonly PhoneMark[];
  readonly turns: readonly SeenTurn[];
  readonly counters: () => Promise<MediaCounters | null>;
  readonly state: () => { link: string; phone: string; status: string | null; callId: string | null };
}

declare global {
  interface Window {
    readonly __hotline?: Probe;
  }
}

const KEPT = 2000;
const marks: PhoneMark[] = [];
const turns: SeenTurn[] = [];

export function recordMark(mark: PhoneMark): void {
  if (marks.length >= KEPT) marks.shift();
  marks.push(mark);
}

export function observeTurns(callId: string, transcript: readonly Turn[]): void {
  const at = Date.now();
  for (const turn of transcript) {
    const seen = turns.find((each) => each.callId === callId && each.seg === turn.seg);
    if (seen === undefined) {
      if (turns.length >= KEPT) turns.shift();
      turns.push({ callId, seg: turn.seg, who: turn.who, firstAt: at, finalAt: turn.final ? at : null });
    } else if (turn.final && seen.finalAt === null) seen.finalAt = at;
  }
}

export function expose(counters: Probe["counters"], state: Probe["state"]): void {
  const probe: Probe = {
    build: __BUILD__,
    get marks() {
      return structuredClone(marks);
    },
    get turns() {
      return structuredClone(turns);
    },
    counters,
    state,
  };
  Object.defineProperty(window, "__hotline", { value: Object.freeze(probe), writable: false, configurable: false });
}

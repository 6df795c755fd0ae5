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
/** The same by call and segment: a transcript is looked through with every partial text. */
const byCall = new Map<string, Map<number, SeenTurn>>();

export function recordMark(mark: PhoneMark): void {
  if (marks.length >= KEPT) marks.shift();
  marks.push(mark);
}

export function observeTurns(callId: string, transcript: readonly Turn[]): void {
  const at = Date.now();
  const known = byCall.get(callId) ?? new Map<number, SeenTurn>();
  byCall.set(callId, known);
  for (const turn of transcript) {
    const seen = known.get(turn.seg);
    if (seen === undefined) {
      const first = { callId, seg: turn.seg, who: turn.who, firstAt: at, finalAt: turn.final ? at : null };
      known.set(turn.seg, first);
      keep(first);
    } else if (turn.final && seen.finalAt === null) seen.finalAt = at;
  }
}

/** Calls that nothing is kept of any more are forgotten whole: no segment of theirs comes again. */
function keep(turn: SeenTurn): void {
  turns.push(turn);
  if (turns.length <= KEPT) return;
  const oldest = turns.shift();
  if (oldest !== undefined && turns[0]?.callId !== oldest.callId && oldest.callId !== turn.callId) byCall.delete(oldest.callId);
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

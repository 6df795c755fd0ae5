/** When a press on "hang up" counts: once a second, and with others in the call only the second of two (pure). */

export const TWICE_WITHIN_MS = 2000;
const ONCE_A_MS = 1000;
/** A key that bounces is one press. */
const BOUNCE_MS = 120;

export type HangUpPress = "hang_up" | "armed" | "ignored";

export class HangUpGuard {
  private armedAt: number | null = null;
  private doneAt: number | null = null;

  press(now: number, twice: boolean): HangUpPress {
    if (this.doneAt !== null && now - this.doneAt < ONCE_A_MS) return "ignored";
    if (twice) {
      const since = this.armedAt === null ? null : now - this.armedAt;
      if (since !== null && since < BOUNCE_MS) return "ignored";
      if (since === null || since > TWICE_WITHIN_MS) {
        this.armedAt = now;
        return "armed";
      }
    }
    this.armedAt = null;
    this.doneAt = now;
    return "hang_up";
  }

  /** Until when a second press counts; null when none is awaited. */
  get armedUntil(): number | null {
    return this.armedAt === null ? null : this.armedAt + TWICE_WITHIN_MS;
  }
}

/** What became of the cards of all concerns together. */
import type { CueFates } from "../../wire_calls";

type Counts = Omit<CueFates, "concern">;

export const together = (fates: readonly CueFates[]): Counts => {
  const sum: Counts = { shown: 0, acted: 0, dismissed: 0, reasons: {}, cleared: 0, ignored: 0, afterwards: 0 };
  for (const one of fates) {
    for (const key of ["shown", "acted", "dismissed", "cleared", "ignored", "afterwards"] as const) sum[key] += one[key];
    for (const [why, count] of Object.entries(one.reasons)) sum.reasons[why] = (sum.reasons[why] ?? 0) + count;
  }
  return sum;
};

/** How long to wait before the n-th attempt: 0.5, 1, 2, 4, 8, 8 ... seconds, with full jitter (pure). */
const FIRST_MS = 500;
const LONGEST_MS = 8000;

export function backoffMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, attempt - 1));
  return Math.round(ceiling * random());
}

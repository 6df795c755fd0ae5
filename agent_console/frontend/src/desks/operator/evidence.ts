/** A turn's text cut at the evidence spans (pure). Overlaps merge; spans beyond the text are clipped. */
import type { Evidence } from "../../wire";

export interface Piece {
  text: string;
  marked: boolean;
}

export function pieces(text: string, spans: readonly Evidence[]): Piece[] {
  const sorted = spans
    .map(({ start, end }) => ({ start: Math.max(0, start), end: Math.min(text.length, end) }))
    .filter(({ start, end }) => start < end)
    .sort((a, b) => a.start - b.start);
  const found: Piece[] = [];
  let at = 0;
  for (const { start, end } of sorted) {
    if (end <= at) continue;
    const from = Math.max(start, at);
    if (from > at) found.push({ text: text.slice(at, from), marked: false });
    const last = found.at(-1);
    if (last?.marked === true && from === at) last.text += text.slice(from, end);
    else found.push({ text: text.slice(from, end), marked: true });
    at = end;
  }
  if (at < text.length) found.push({ text: text.slice(at), marked: false });
  return found;
}

/** A day's quarters of an hour as a drawing: bars, a line, a scale that people can read (pure). */
import type { Quarter } from "../wire_desk";

export interface Box {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Bar {
  at: string;
  x: number;
  width: number;
  /** From the ground up: answered, abandoned, and what of the arrived is neither (still waiting, or answered later). */
  answered: { y: number; height: number };
  abandoned: { y: number; height: number };
  rest: { y: number; height: number };
  /** Middle of the bar, and how high the most waiting stands. */
  dot: { x: number; y: number };
}

export interface Drawing {
  bars: Bar[];
  line: string;
  ticks: { y: number; value: number }[];
  hours: { x: number; at: string }[];
}

const STEPS = [1, 2, 5];
const GAP = 0.18;
/** A label needs so much room to its right. */
const LABEL = 44;
const QUARTERS_AN_HOUR = 4;

/** The first of 4, 8, 20, 40, 80 … that holds the value: four equal steps of whole calls. */
export function ceiling(value: number): number {
  for (let ten = 1; ; ten *= 10) {
    for (const step of STEPS) if (step * ten * 4 >= value) return step * ten * 4;
  }
}

export const height = (row: Quarter): number => Math.max(row.arrived, row.answered + row.abandoned, row.waiting);

export function draw(rows: readonly Quarter[], box: Box): Drawing {
  const most = ceiling(Math.max(1, ...rows.map(height)));
  const inner = { width: box.width - box.left - box.right, height: box.height - box.top - box.bottom };
  const ground = box.top + inner.height;
  const slot = inner.width / Math.max(1, rows.length);
  const y = (value: number): number => ground - (value / most) * inner.height;
  const part = (from: number, to: number) => ({ y: y(to), height: y(from) - y(to) });
  const bars = rows.map((row, index) => {
    const x = box.left + index * slot;
    const done = row.answered + row.abandoned;
    return {
      at: row.at,
      x: x + (slot * GAP) / 2,
      width: slot * (1 - GAP),
      answered: part(0, row.answered),
      abandoned: part(row.answered, done),
      rest: part(done, Math.max(done, row.arrived)),
      dot: { x: x + slot / 2, y: y(row.waiting) },
    };
  });
  const step = hourStep(rows.length);
  const hours = rows.flatMap((row, index) => (index % step === 0 ? [{ x: box.left + index * slot, at: row.at }] : [])).filter((each) => each.x <= box.width - LABEL || each.x === box.left);
  return {
    bars,
    line: bars.map((bar, index) => `${index === 0 ? "M" : "L"}${round(bar.dot.x)} ${round(bar.dot.y)}`).join(" "),
    ticks: [0, 1, 2, 3, 4].map((each) => ({ value: (most / 4) * each, y: y((most / 4) * each) })),
    hours,
  };
}

/** At most eight labels. */
function hourStep(quarters: number): number {
  const hours = Math.max(1, Math.ceil(quarters / QUARTERS_AN_HOUR / 8));
  return hours * QUARTERS_AN_HOUR;
}

const round = (value: number): number => Math.round(value * 10) / 10;

export interface Totals {
  arrived: number;
  answered: number;
  abandoned: number;
  peak: Quarter | null;
}

export function totals(rows: readonly Quarter[]): Totals {
  const peak = rows.reduce<Quarter | null>((best, row) => (row.arrived > (best?.arrived ?? 0) ? row : best), null);
  const sum = (key: "arrived" | "answered" | "abandoned"): number => rows.reduce((all, row) => all + row[key], 0);
  return { arrived: sum("arrived"), answered: sum("answered"), abandoned: sum("abandoned"), peak };
}

/** Upper bounds of the buckets in which times are counted, in s; a last one takes what is longer. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
/** Behind the buckets. */
const SUM = BOUNDS.length + 1;

/** How many cells a histogram takes. */
export const HISTOGRAM_CELLS = SUM + 1;

/** How many times were measured, their sum in s, and how many were no longer than each bound, in s. */
export interface Histogram {
  readonly count: number;
  readonly sum: number;
  readonly upTo: readonly (readonly [bound: number, count: number])[];
}

/** Counts a time, in s, in the cells from `first` on. */
export function observe(cells: Float64Array, first: number, seconds: number): void {
  const found = BOUNDS.findIndex((bound) => seconds <= bound);
  const bucket = first + (found === -1 ? BOUNDS.length : found);
  cells[bucket] = (cells[bucket] ?? 0) + 1;
  cells[first + SUM] = (cells[first + SUM] ?? 0) + seconds;
}

/** Reads what has been counted in the cells from `first` on. */
export function readHistogram(cells: Float64Array, first = 0): Histogram {
  let count = 0;
  const upTo = BOUNDS.map((bound, i) => [bound, (count += cells[first + i] ?? 0)] as const);
  return { count: count + (cells[first + BOUNDS.length] ?? 0), sum: cells[first + SUM] ?? 0, upTo };
}

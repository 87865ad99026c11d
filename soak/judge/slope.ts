/** A value at a time, in minutes. */
export interface Point {
  readonly minute: number;
  readonly value: number;
}

/** How a value went over the last half of a run. */
export interface Slope {
  /** A minute, by Theil and Sen: the median of the slopes between all pairs, which no burst moves. */
  readonly perMinute: number;
  /** What that makes over the half. */
  readonly growth: number;
  /** Of Mann and Kendall's test for a trend: how many standard deviations from none. */
  readonly z: number;
  readonly isReal: boolean;
}

/** One chance in 30,000 a series, were its points independent: there are dozens, and neighbours are alike. */
const SURE = 4;
/** Fewer say nothing. */
const FEWEST = 10;

/** The slope of the last half; null with too few points there. It is real if there is a trend, and if it makes more than the floor over the half. */
export function slopeOf(points: readonly Point[], floor: number): Slope | null {
  const middle = ((points[0]?.minute ?? 0) + (points.at(-1)?.minute ?? 0)) / 2;
  const half = points.filter(({ minute }) => minute >= middle);
  const [first] = half;
  const last = half.at(-1);
  if (half.length < FEWEST || first === undefined || last === undefined) return null;
  const slopes: number[] = [];
  let [rises, falls] = [0, 0];
  half.forEach(({ minute, value }, index) => {
    for (const later of half.slice(index + 1)) {
      slopes.push((later.value - value) / (later.minute - minute));
      if (later.value > value) rises++;
      if (later.value < value) falls++;
    }
  });
  const perMinute = median(slopes);
  const growth = perMinute * (last.minute - first.minute);
  const z = (rises - falls) / deviation(half);
  return { perMinute, growth, z, isReal: growth > floor && z > SURE };
}

/** Of Mann and Kendall's sum, were there no trend: values that occur several times make it smaller. */
function deviation(points: readonly Point[]): number {
  const part = (n: number) => n * (n - 1) * (2 * n + 5);
  const ties = Map.groupBy(points, ({ value }) => value);
  const tied = [...ties.values()].reduce((sum, { length }) => sum + part(length), 0);
  return Math.sqrt((part(points.length) - tied) / 18) || 1;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(half)] ?? 0) + (sorted[Math.ceil(half)] ?? 0)) / 2;
}

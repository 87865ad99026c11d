import { slopeOf, type Point, type Slope } from '../judge/slope.ts';

export type Metric = 'rss' | 'descriptors' | 'heap';

/**
 * What a value may grow by over the last half of a run, in bytes or descriptors, before it counts: less is lost among live connections. In a short run a
 * door is still warming up, and one that gets more of a busy machine takes more. Descriptors follow the load, as UDP sessions outlive their clients by
 * seconds: those that are left at rest are counted exactly.
 */
const FLOORS = {
  short: { rss: 64 * 2 ** 20, descriptors: 128, heap: 12 * 2 ** 20 },
  long: { rss: 24 * 2 ** 20, descriptors: 128, heap: 3 * 2 ** 20 },
} satisfies Record<string, Record<Metric, number>>;
/** From so many minutes on a half is long. */
export const LONG = 10;

/** What a value may grow by over a half of so many minutes. */
export function floorOf(metric: Metric, half: number): number {
  return FLOORS[half < LONG ? 'short' : 'long'][metric];
}

/** Every so often, in s, all doors are measured. */
export const SAMPLE_EVERY = 5;

/** What was measured of a door since a start. */
export class Series {
  readonly #startedAt = performance.now();
  readonly #points: Record<Metric, Point[]> = { rss: [], descriptors: [], heap: [] };

  add(metric: Metric, value: number): void {
    this.#points[metric].push({ minute: (performance.now() - this.#startedAt) / 60_000, value });
  }

  last(metric: Metric): number | null {
    return this.#points[metric].at(-1)?.value ?? null;
  }

  slope(metric: Metric): Slope | null {
    const points = this.#points[metric];
    const half = ((points.at(-1)?.minute ?? 0) - (points[0]?.minute ?? 0)) / 2;
    return slopeOf(points, floorOf(metric, half));
  }
}

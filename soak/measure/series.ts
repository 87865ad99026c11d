import { slopeOf, type Point, type Slope } from '../judge/slope.ts';

export type Metric = 'rss' | 'descriptors' | 'heap';

/** What a value may grow by over the last half of a run, in bytes or descriptors, before it counts: less is lost among live connections. */
export const FLOORS: Readonly<Record<Metric, number>> = {
  rss: 24 * 2 ** 20,
  descriptors: 24,
  heap: 3 * 2 ** 20,
};

/** Every so often, in s, all doors are measured. */
export const SAMPLE_EVERY = 5;

/** What was measured of a door, from its last start on. */
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
    return slopeOf(this.#points[metric], FLOORS[metric]);
  }
}

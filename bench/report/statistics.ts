import type { MetricId, Sample } from '../metrics.ts';

/** Several values in three. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Null for no values. */
export function summarize(values: readonly number[]): Summary | null {
  const sorted = values.toSorted((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) return null;
  const half = sorted.length / 2;
  const lower = sorted[Math.ceil(half) - 1] ?? min;
  const upper = sorted[Math.floor(half)] ?? max;
  return { median: (lower + upper) / 2, min, max };
}

/** Peers in order, and what each was measured by over all rounds. */
export type Summaries = Readonly<Record<string, { readonly [K in MetricId]?: Summary }>>;

/** The summaries of these peers; whom nobody has measured is left out. */
export function summarizePeers(samples: readonly Sample[], peers: readonly string[]): Summaries {
  return Object.fromEntries(
    peers.flatMap((peer) => {
      const all = samples.filter((sample) => sample.peer === peer).map(({ readings }) => readings);
      const ids = new Set(all.flatMap((readings) => Object.keys(readings) as MetricId[]));
      const summaries = [...ids].map((id) => [id, summarize(all.flatMap((readings) => readings[id] ?? []))]);
      return all.length === 0 ? [] : [[peer, Object.fromEntries(summaries)]];
    }),
  );
}

import { type MetricId, metrics, type Sample } from '../metrics.ts';
import { type Summary, summarize } from './statistics.ts';
import { digits, markdownTable } from './table.ts';

const NONE = '–';

interface Options {
  readonly peers: readonly string[];
  /** Those whose medians the others are divided by. */
  readonly baselines: readonly string[];
}

/**
 * For each metric the median of each peer with the spread over the rounds, and the ratio of its median to each baseline's. What nobody has been
 * measured by is left out, and who has not been measured; null where nothing is left.
 */
export function comparison(samples: readonly Sample[], options: Options): string | null {
  const peers = options.peers.filter((peer) => samples.some((sample) => sample.peer === peer));
  const rows = (Object.keys(metrics) as MetricId[]).flatMap((metric) => {
    const summaries = new Map(peers.map((peer) => [peer, summaryOf(samples, metric, peer)]));
    if (peers.every((peer) => !summaries.get(peer))) return [];
    const { title, unit } = metrics[metric];
    const ratios = options.baselines.flatMap((baseline) => {
      const base = summaries.get(baseline);
      return base ? [[`÷ ${baseline}`, ...peers.map((peer) => ratio(summaries.get(peer), base))]] : [];
    });
    return [[`**${title}**, ${unit}`, ...peers.map((peer) => describe(summaries.get(peer)))], ...ratios];
  });
  return rows.length === 0 ? null : markdownTable([['', ...peers], ...rows]);
}

function summaryOf(samples: readonly Sample[], metric: MetricId, peer: string): Summary | null {
  return summarize(
    samples.flatMap((sample) => (sample.peer === peer ? (sample.readings[metric] ?? []) : [])),
  );
}

function describe(summary: Summary | null | undefined): string {
  if (!summary) return NONE;
  const { median, min, max } = summary;
  return min === max ? digits(median) : `${digits(median)} (${digits(min)}–${digits(max)})`;
}

function ratio(summary: Summary | null | undefined, base: Summary): string {
  return summary && base.median > 0 ? (summary.median / base.median).toFixed(2) : NONE;
}

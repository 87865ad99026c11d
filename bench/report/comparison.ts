import { type MetricId, metrics, type Sample } from '../metrics.ts';
import { type Summary, summarize } from './statistics.ts';
import { digits, markdownTable } from './table.ts';

/** What the others are measured against. */
const BASELINES = ['haproxy', 'sallyport'];
const NONE = '–';

/** What all rounds together say of a metric through a peer; null where it was not measured. */
function summaryOf(samples: readonly Sample[], metric: MetricId, peer: string): Summary | null {
  return summarize(
    samples.flatMap((sample) => {
      const value = sample.peer === peer ? sample.readings[metric] : undefined;
      return value === undefined ? [] : [value];
    }),
  );
}

/** For each metric the median of each peer with the spread over the rounds, and the ratio of its median to each baseline's. */
export function comparison(samples: readonly Sample[], peers: readonly string[]): string {
  const rows = (Object.keys(metrics) as MetricId[]).flatMap((metric) => {
    const summaries = new Map(peers.map((peer) => [peer, summaryOf(samples, metric, peer)]));
    if (peers.every((peer) => !summaries.get(peer))) return [];
    const { title, unit } = metrics[metric];
    const ratios = BASELINES.flatMap((baseline) => {
      const base = summaries.get(baseline);
      return base ? [[`÷ ${baseline}`, ...peers.map((peer) => ratio(summaries.get(peer), base))]] : [];
    });
    return [[`**${title}**, ${unit}`, ...peers.map((peer) => describe(summaries.get(peer)))], ...ratios];
  });
  return markdownTable([['', ...peers], ...rows]);
}

function describe(summary: Summary | null | undefined): string {
  if (!summary) return NONE;
  const { median, min, max } = summary;
  return `${digits(median)} (${digits(min)}–${digits(max)})`;
}

function ratio(summary: Summary | null | undefined, base: Summary): string {
  return summary && base.median > 0 ? (summary.median / base.median).toFixed(2) : NONE;
}

import type { Metric, MetricId } from '../metrics.ts';
import type { Summaries, Summary } from './statistics.ts';
import { digits, markdownTable } from './table.ts';

const NONE = '–';

interface Options {
  /** The rows, in order. */
  readonly metrics: Readonly<Partial<Record<MetricId, Metric>>>;
  readonly baselines: readonly string[];
}

/**
 * For each metric the median of each peer with the spread over the rounds, and the ratio of its median to each baseline's. What nobody has been
 * measured by is left out, and who has not been measured; null where nothing is left.
 */
export function comparison(summaries: Summaries, { metrics, baselines }: Options): string | null {
  const ids = Object.keys(metrics) as MetricId[];
  const peers = Object.keys(summaries).filter((peer) => ids.some((metric) => summaries[peer]?.[metric]));
  const rows = Object.entries(metrics).flatMap(([id, { title, unit }]) => {
    const metric = id as MetricId;
    const all = peers.map((peer) => summaries[peer]?.[metric]);
    if (all.every((summary) => !summary)) return [];
    const ratios = baselines.flatMap((baseline) => {
      const base = summaries[baseline]?.[metric];
      return base ? [[`÷ ${baseline}`, ...all.map((summary) => ratio(summary, base))]] : [];
    });
    return [[`**${title}**, ${unit}`, ...all.map(describe)], ...ratios];
  });
  return rows.length === 0 ? null : markdownTable([['', ...peers], ...rows]);
}

function describe(summary: Summary | undefined): string {
  if (!summary) return NONE;
  const { median, min, max } = summary;
  return min === max ? digits(median) : `${digits(median)} (${digits(min)}–${digits(max)})`;
}

function ratio(summary: Summary | undefined, base: Summary): string {
  return summary && base.median > 0 ? (summary.median / base.median).toFixed(2) : NONE;
}

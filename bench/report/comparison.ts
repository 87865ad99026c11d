import { type MetricId, metrics } from '../metrics.ts';
import type { Summaries, Summary } from './statistics.ts';
import { digits, markdownTable } from './table.ts';

const NONE = '–';

/**
 * For each metric the median of each peer with the spread over the rounds, and the ratio of its median to each baseline's. What nobody has been
 * measured by is left out; null where nothing is left.
 */
export function comparison(summaries: Summaries, baselines: readonly string[]): string | null {
  const peers = Object.keys(summaries);
  const rows = (Object.keys(metrics) as MetricId[]).flatMap((metric) => {
    const all = Object.values(summaries).map((summary) => summary[metric]);
    if (all.every((summary) => !summary)) return [];
    const { title, unit } = metrics[metric];
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

import { markdownTable } from '../../bench/report/table.ts';
import type { Door } from '../doors/door.ts';
import type { Tally } from '../judge/journal.ts';
import { bytes, ms, percentile } from './numbers.ts';

/** A minute in two tables: what clients did, and what doors took at its end. */
export function describeMinute(
  minute: number,
  { tallies, doors }: { readonly tallies: ReadonlyMap<string, Tally>; readonly doors: readonly Door[] },
): string {
  const loads = [...tallies]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([load, tally]) => rowOf(load, tally));
  const taken = doors.map(({ name, series }) => [
    name,
    bytes(series.last('rss') ?? NaN),
    String(series.last('descriptors')),
    series.last('heap') === null ? '–' : bytes(series.last('heap') ?? NaN),
  ]);
  return [
    `## Minute ${minute}`,
    markdownTable([
      ['load', 'done', 'left', 'excused', 'FAULTS', 'bytes', 'p50 ms', 'p99 ms', 'max ms'],
      ...loads,
    ]),
    markdownTable([['door', 'RSS', 'descriptors', 'heap'], ...taken]),
  ].join('\n\n');
}

function rowOf(load: string, { done, left, excused, faults, bytes: moved, latencies }: Tally): string[] {
  const sorted = latencies.toSorted((a, b) => a - b);
  const times = [percentile(sorted, 0.5), percentile(sorted, 0.99), sorted.at(-1) ?? null];
  return [load, ...[done, left, excused, faults].map(String), bytes(moved), ...times.map(ms)];
}

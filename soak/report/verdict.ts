import { markdownTable } from '../../bench/report/table.ts';
import type { Slope } from '../judge/slope.ts';
import { floorOf, LONG, type Metric } from '../measure/series.ts';
import type { Outcome } from '../soak.ts';
import { bytes } from './numbers.ts';

/** So many faults are told again at the end. */
const SHOWN = 100;
const METRICS: readonly Metric[] = ['rss', 'descriptors', 'heap'];

/** The whole run in words and tables, and whether all was well. */
export function verdict({ journal, doors, minutes }: Outcome): {
  readonly text: string;
  readonly isWell: boolean;
} {
  const slopes = doors.flatMap((door) =>
    METRICS.map((metric) => ({ name: door.name, metric, slope: door.slope(metric) })),
  );
  const real = slopes.filter(({ slope }) => slope?.isReal);
  const isWell = journal.faults.length === 0 && real.length === 0;
  const totals = [...journal.all.values()];
  const sum = (of: 'done' | 'left' | 'excused' | 'bytes') => totals.reduce((all, each) => all + each[of], 0);
  const inflicted = [...journal.inflicted.values()].reduce((all, each) => all + each, 0);
  const text = [
    '## Over all',
    `${minutes.toFixed(1)} minutes: ${sum('done').toLocaleString('en')} operations done, ${sum('left')} left by their clients, ${sum('excused')} failed within a fault's window; ${bytes(sum('bytes'))} compared; ${inflicted} faults inflicted.`,
    markdownTable([
      ['load', 'done', 'left', 'excused', 'FAULTS', 'bytes'],
      ...inOrder(journal.all).map(([load, each]) => [
        load,
        ...[each.done, each.left, each.excused, each.faults].map(String),
        bytes(each.bytes),
      ]),
    ]),
    markdownTable([
      ['fault', 'times'],
      ...inOrder(journal.inflicted).map(([name, times]) => [name, String(times)]),
    ]),
    'What failed within a window, by the fault:',
    markdownTable([
      ['fault: load: failure', 'times'],
      ...inOrder(journal.excused).map(([what, times]) => [what, String(times)]),
    ]),
    'Slopes over the last half, of doors that were not started again:',
    markdownTable([
      ['door', ...METRICS.map((metric) => `${metric} a minute`)],
      ...doors.map(({ name }) => [
        name,
        ...slopes.filter((each) => each.name === name).map(({ metric, slope }) => describe(metric, slope)),
      ]),
    ]),
    howMuch(minutes),
    ...real.map(({ name, metric, slope }) => `FAULT ${metric} of ${name} rises: ${describe(metric, slope)}`),
    ...(journal.faults.length === 0
      ? []
      : [[`${journal.faults.length} FAULTS:`, ...journal.faults.slice(0, SHOWN)].join('\n')]),
    isWell ? 'All was well.' : 'Not all was well.',
  ].join('\n\n');
  return { text, isWell };
}

/** By name. */
function inOrder<T>(counted: ReadonlyMap<string, T>): readonly [string, T][] {
  return [...counted].toSorted(([a], [b]) => a.localeCompare(b));
}

function describe(metric: Metric, slope: Slope | null): string {
  if (slope === null) return 'not judged';
  const { perMinute, z, isReal } = slope;
  const value = metric === 'descriptors' ? perMinute.toFixed(2) : bytes(perMinute);
  return `${value} (z ${z.toFixed(1)})${isReal ? ' REAL' : ''}`;
}

/** What a run so short could have missed. */
function howMuch(minutes: number): string {
  const half = minutes / 2;
  const least = METRICS.map((metric) => {
    const floor = floorOf(metric, half) / half;
    return `${metric} ${metric === 'descriptors' ? floor.toFixed(1) : bytes(floor)}`;
  });
  return `A slope counts where a trend is sure (z over 4) and makes more over the half than live connections do. In ${half.toFixed(1)} minutes no leak is seen that is slower, a minute, than: ${least.join(', ')}.${half < LONG ? ' That is too short to tell a slow leak from a door that warms up: for slopes run an hour.' : ''}`;
}

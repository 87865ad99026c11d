import { alignColumns } from '../align-columns.ts';
import { isWildcard } from '../config/targets.ts';
import { describeBlackout } from '../control/describe-blackout.ts';
import type { Status } from '../control/protocol.ts';

/** A table's columns by their headings: what each says of a row, null for nothing. */
type Columns<Row> = Readonly<Record<string, (row: Row) => string | number | null>>;

const NAME_COLUMNS: Columns<Status['names'][number]> = {
  NAME: ({ name }) => name,
  AGE: ({ age }) => (age === null ? null : `${age} s`),
  TTL: ({ ttl }) => (ttl === null ? null : `${ttl} s`),
  // With PRE_RESOLVE=0 they are asked for at each connection.
  ADDRESSES: ({ addresses }) => addresses.join(', ') || 'none kept',
  PROBLEM: ({ problem }) => problem,
};

const PORT_COLUMNS: Columns<Status['ports'][number]> = {
  PORT: ({ port }) => port,
  LIVE: ({ live }) => live,
  WAITING: ({ waiting }) => waiting,
  'LAST FAILURE': ({ lastFailure }) => lastFailure,
};

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;
const UNITS_SHOWN = 2;

/** A relay's status for people, on several lines. */
export function describeStatus({ version, mode, uptime, blackout, targets, names, ports }: Status): string {
  const wildcards = targets.filter(isWildcard);
  return [
    `sallyport ${version}, MODE=${mode}, up ${describeTime(uptime)}`,
    ...(blackout.state === 'off' ? [] : [describeBlackout(blackout)]),
    '',
    ...table(NAME_COLUMNS, names),
    ...wildcards.map((target) => `${target}: names below it are resolved when clients ask for them`),
    '',
    ...table(PORT_COLUMNS, ports),
  ].join('\n');
}

function table<Row>(columns: Columns<Row>, rows: readonly Row[]): readonly string[] {
  if (rows.length === 0) return [];
  const cells = Object.values(columns);
  return alignColumns([
    Object.keys(columns),
    ...rows.map((row) => cells.map((cell) => String(cell(row) ?? '-'))),
  ]);
}

/** `3 h 5 min`: the two largest units that it takes. */
function describeTime(seconds: number): string {
  const parts = UNITS.map(([unit, size], i) => {
    const larger = UNITS[i - 1]?.[1] ?? Infinity;
    return { unit, count: Math.floor((seconds % larger) / size) };
  });
  const first = parts.findIndex(({ count }) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + UNITS_SHOWN)
    .filter(({ count }) => count > 0)
    .map(({ unit, count }) => `${count} ${unit}`)
    .join(' ');
}

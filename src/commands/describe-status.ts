import { isWildcard } from '../config/targets.ts';
import { describeBlackout } from '../control/describe-blackout.ts';
import { describeFastLane } from '../control/describe-fast-lane.ts';
import type { Status } from '../control/protocol.ts';
import { LEARNING } from '../lib/learning.ts';
import { describeBytes } from './describe-bytes.ts';
import { type Columns, table } from './table.ts';

type Name = Status['names'][number];
const OWN_ADDRESSES_COLUMN: Columns<Name> = { 'REACHED AT': ({ ownAddresses }) => ownAddresses.join(', ') };

const nameColumns = ({ preResolve, names }: Status): Columns<Name> => ({
  NAME: ({ name }) => name,
  ...(names.some(({ ownAddresses }) => ownAddresses.length > 0) ? OWN_ADDRESSES_COLUMN : {}),
  AGE: ({ age }) => (age === null ? null : `${age} s`),
  TTL: ({ ttl }) => (ttl === null ? null : `${ttl} s`),
  CONNECTIONS: ({ connections }) => connections,
  SENT: ({ sent }) => describeBytes(sent),
  RECEIVED: ({ received }) => describeBytes(received),
  REFUSED: ({ refused }) => refused,
  ADDRESSES: ({ addresses, leftOut }) =>
    [...addresses, ...(leftOut > 0 ? [`and ${leftOut} more, left out`] : [])].join(', ') ||
    (preResolve ? 'none yet' : 'asked for at each connection'),
  PROBLEM: ({ problem }) => problem,
});

type Port = Status['ports'][number];
/** As PORT has it: `443`, or `514/udp`. */
type PortName = { readonly name: string };

const PORT_COLUMNS: Columns<Port & PortName> = {
  PORT: ({ name }) => name,
  LIVE: ({ live, limit }) => (limit === null ? live : `${live} of ${limit}`),
  WAITING: ({ waiting }) => waiting,
  OPENED: ({ opened }) => opened,
  SENT: ({ sent }) => describeBytes(sent),
  RECEIVED: ({ received }) => describeBytes(received),
  // Without a byte from the target, which was sent some: those that have ended, and UDP sessions whose client goes on sending.
  UNANSWERED: ({ unanswered }) => unanswered,
  REFUSED: ({ refused }) => refused,
};
const LOST_COLUMN: Columns<Port> = { LOST: ({ lost }) => lost };
const FAILURE_COLUMN: Columns<Port> = { 'LAST FAILURE': ({ lastFailure }) => lastFailure };

const REFUSAL_COLUMNS: Columns<PortName & { readonly reason: string; readonly count: number }> = {
  PORT: ({ name }) => name,
  REFUSED: ({ count }) => count,
  REASON: ({ reason }) => reason,
};

const ERROR_COLUMNS: Columns<Port['errors'][number] & PortName> = {
  PORT: ({ name }) => name,
  'LAST ERRORS': ({ at }) => at,
  TIMES: ({ count }) => count,
  CLIENT: ({ client }) => client,
  WHAT: ({ message }) => message,
};

/** Of all ports together, the newest. */
const ERRORS_SHOWN = 10;

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;
const UNITS_SHOWN = 2;

/** A relay's status for people, in lines. */
export function describeStatus(status: Status): readonly string[] {
  const { version, mode, uptime, draining, dns, fastLane, targetFile, targets, names } = status;
  const wildcards = targets.filter(isWildcard);
  const ports = nameApart(status.ports);
  const isUdp = ports.some(({ protocol }) => protocol === 'udp');
  const portColumns = { ...PORT_COLUMNS, ...(isUdp ? LOST_COLUMN : {}), ...FAILURE_COLUMN };
  const refusals = ports.flatMap(({ name, refusedBy }) =>
    Object.entries(refusedBy).map(([reason, count]) => ({ name, reason, count })),
  );
  const asked = dns === null ? [] : [{ name: `${dns.port}/dns`, errors: dns.errors }];
  const errors = [...ports, ...asked]
    .flatMap(({ name, errors: some }) => some.map((error) => ({ ...error, name })))
    .toSorted((one, other) => one.at.localeCompare(other.at))
    .slice(-ERRORS_SHOWN);
  return [
    `sallyport ${version}, MODE=${mode}, up ${describeTime(uptime)}${draining ? ', stopping' : ''}`,
    ...warningsOf(status),
    ...(dns === null ? [] : [describeDns(dns)]),
    ...(fastLane?.trouble === null ? describeFastLane(fastLane) : []),
    ...(targetFile === null || targetFile.problem !== null ? [] : [describeTargetFile(targetFile)]),
    '',
    ...table(nameColumns(status), names),
    ...wildcards.map((target) => `${target}: names below it are resolved when clients ask for them`),
    '',
    ...table(portColumns, ports),
    ...(refusals.length > 0 ? [''] : []),
    ...table(REFUSAL_COLUMNS, refusals),
    ...(errors.length > 0 ? [''] : []),
    ...table(ERROR_COLUMNS, errors),
  ];
}

/** What is not as it should be, or not for long, a line each. */
export function warningsOf({
  nameCheck,
  blackout,
  linesDropped,
  loops,
  fastLane,
  targetFile,
}: Status): readonly string[] {
  return [
    ...(nameCheck === 'learn' ? [LEARNING] : []),
    ...(blackout.state === 'off' ? [] : [describeBlackout(blackout)]),
    ...(linesDropped.budget + linesDropped.output === 0 ? [] : [describeLinesDropped(linesDropped)]),
    ...loops,
    ...(fastLane === null || fastLane.trouble === null ? [] : describeFastLane(fastLane)),
    ...(targetFile === null || targetFile.problem === null ? [] : [describeTargetFile(targetFile)]),
  ];
}

function describeDns({ port, questions: { allowed, above, unknown } }: NonNullable<Status['dns']>): string {
  return `DNS on port ${port}: ${allowed} questions about allowed names, ${above} about names above them, ${unknown} about others`;
}

function describeTargetFile({ path, since, problem }: NonNullable<Status['targetFile']>): string {
  return problem === null
    ? `TARGET_FILE=${path} is in force since ${since}`
    : `TARGET_FILE=${path} cannot be used; the list of ${since} is in force: ${problem}`;
}

/** Where ports of both protocols are relayed, a number may stand for two. */
function nameApart(ports: readonly Port[]): readonly (Port & PortName)[] {
  const isMixed = new Set(ports.map(({ protocol }) => protocol)).size > 1;
  return ports.map((each) => ({
    ...each,
    name: isMixed && each.protocol === 'udp' ? `${each.port}/udp` : `${each.port}`,
  }));
}

function describeLinesDropped({ budget, output }: Status['linesDropped']): string {
  return `log lines dropped: ${budget} beyond the budget, ${output} that standard output did not take`;
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

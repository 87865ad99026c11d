import type { Config, PortConfig } from '../../config/config.ts';
import { canonical, ipVersion } from '../../config/host.ts';
import { type ListenerKind, protocolOf } from '../../config/listeners.ts';
import type { NameCheck } from '../../config/name-check.ts';
import { areNeighbours, describeRun, type Route, routesOf } from '../../config/routes.ts';
import { isWildcard, parentOf, parseTargets } from '../../config/targets.ts';
import { Routes } from '../../door/routes.ts';
import { UsageError } from '../../lib/arguments.ts';
import { listSome } from '../../lib/list-some.ts';
import { findNearest } from '../../lib/near-misses.ts';
import type { Protocol } from '../../lib/protocol.ts';
import { toRuns } from '../../lib/runs.ts';
import { endpoint } from '../../relay/endpoint.ts';
import { NameTable } from '../../relay/name-table.ts';
import type { Destination } from '../../relay/target.ts';
import { Refusal } from '../../wire/refusal.ts';

/** What a client asks for. */
interface Asked {
  readonly name: string;
  /** The port that it dials, or names to a forward proxy; null: any. */
  readonly port: number | null;
  /** null: either. */
  readonly protocol: Protocol | null;
}

interface Verdict {
  readonly isAllowed: boolean;
  readonly lines: readonly string[];
}

/** A way through the relay. */
interface Way extends Route {
  readonly nameCheck: NameCheck;
  /** Whether clients dial an address of the name's own. */
  readonly byAddress: boolean;
}

/** How `check` is asked about a name. */
export const ASKED = 'NAME[:PORT][/udp]';
/** One letter in so many may differ from a name that was meant. */
const LETTERS_PER_SLIP = 5;
const ARROWS: Readonly<Record<ListenerKind, string>> = {
  tcp: ' → ',
  udp: '/udp → ',
  'http-proxy': ' (forward proxy) → ',
};

/** Reads `api.example.com`, `db.example.com:5432`, `logs.example.com:514/udp` and the like. Throws a UsageError. */
export function parseAsked(text: string): Asked {
  try {
    const [{ name, ports, protocol } = { name: '', ports: null, protocol: null }, ...others] =
      parseTargets(text);
    const [pair = null, ...morePorts] = ports ?? [];
    if (others.length > 0) throw new Error('that is more than one name');
    if (isWildcard(name)) throw new Error('that is a wildcard, and a client asks for a name below it');
    if (morePorts.length > 0 || pair?.listen !== pair?.target) throw new Error('a client asks for one port');
    return { name, port: pair && pair.listen, protocol };
  } catch (cause) {
    const { message } = cause as Error;
    throw new UsageError(`'${text}': ${message}; check takes ${ASKED}, such as api.example.com:443`, {
      cause,
    });
  }
}

/** Tells whether a client that asks for a name would reach it, by the relay's own choice among its names. Nothing is resolved or dialled. */
export function judge(asked: Asked, config: Config): Verdict {
  const ways = concerned(asked, config).flatMap((listener) => waysThrough(listener, asked, config));
  if (ways.length > 0) return { isAllowed: true, lines: describeWays(ways).map((way) => `allowed: ${way}`) };

  const { name, port, protocol } = asked;
  const wanted = port === null ? name : endpoint(name, port);
  const what = protocol === null ? wanted : `${wanted}/${protocol}`;
  const unread = findUnread(asked, config);
  const verdict = unread.length === 0 ? 'refused' : 'not allowed';
  return {
    isAllowed: false,
    lines: [
      `${verdict}: ${what} is ${findRule(name, config)}`,
      ...unread.map((way) => `open to any name: ${way}`),
    ],
  };
}

/** The ports at which clients are let through unread, to another name than the one that they ask for. */
function findUnread(asked: Asked, config: Config): readonly string[] {
  const unread = concerned(asked, config).filter(
    ({ kind, nameCheck }) => kind !== 'http-proxy' && nameCheck !== 'enforce',
  );
  const ways = routesOf(config).flatMap((route) =>
    unread
      .filter(({ kind, port }) => kind === route.kind && port === route.from)
      .map(({ nameCheck }) => ({ ...route, nameCheck, byAddress: false })),
  );
  return describeWays(ways);
}

/** The rule that keeps a name out, and what is allowed instead. */
function findRule(name: string, config: Config): string {
  const { listeners, targets } = config;
  const ports = listeners
    .flatMap((listener) => waysThrough(listener, { name, port: null }, config))
    .map(({ kind, from, to }) => (kind === 'udp' ? `${from}/udp` : `${kind === 'tcp' ? from : to}`));
  if (ports.length > 0) return `not in PORT: it has ${listSome(ports, ', ')}`;
  const below = targets.find((target) => isWildcard(target) && parentOf(target) === canonical(name));
  if (below !== undefined) return `not in TARGET: ${below} stands for the names below it alone`;
  const nearest = findNearest(name, targets, LETTERS_PER_SLIP);
  return nearest === null ? 'not in TARGET' : `not in TARGET: did you mean ${nearest}?`;
}

/** Listeners that a client reaches at its port, if it names one: a forward proxy is asked for that port. */
function concerned({ port, protocol }: Asked, { listeners }: Config): readonly PortConfig[] {
  return listeners.filter(
    (listener) =>
      (protocol === null || protocolOf(listener.kind) === protocol) &&
      (port === null || listener.kind === 'http-proxy' || listener.port === port),
  );
}

/** Where a listener leads a client that asks for a name. */
function waysThrough(
  listener: PortConfig,
  { name, port }: Pick<Asked, 'name' | 'port'>,
  { nameAddresses }: Config,
): readonly Way[] {
  const { kind, port: from, allowed } = listener;
  const isProxy = kind === 'http-proxy';
  const own = isProxy || ipVersion(name) !== 0 ? null : nameAddresses;
  const { nameCheck } = own ?? listener;
  const { choose } = new Routes(listener, undialled, new NameTable(() => {}));
  const ports = port === null && isProxy ? new Set(allowed.flatMap((each) => each.ports)) : [port];
  return [...ports].flatMap((asked) => {
    try {
      const target = choose(name, asked);
      return [{ kind, target: target.host, from, to: target.port, nameCheck, byAddress: own !== null }];
    } catch (error) {
      if (error instanceof Refusal) return [];
      throw error;
    }
  });
}

/** What is named, and not dialled. */
function undialled(host: string, port: number): Destination {
  return { host, port, resolve: () => Promise.reject(new Error(`${host} is only named`)) };
}

/** `443 → api.example.com:443, name checked`; those of a range of ports as one. */
function describeWays(ways: readonly Way[]): readonly string[] {
  const areAlike = (one: Way, next: Way) => areNeighbours(one, next) && next.nameCheck === one.nameCheck;
  return toRuns(ways, areAlike).map((run) => {
    const [first] = run;
    return `${describeRun(first, run.at(-1) ?? first, ARROWS[first.kind])}, ${describeCheck(first)}`;
  });
}

function describeCheck({ kind, nameCheck, byAddress }: Way): string {
  if (byAddress && nameCheck === 'off') return 'at its own address';
  if (kind === 'udp') return 'datagrams carry no name';
  if (kind === 'http-proxy')
    return nameCheck === 'enforce' ? 'name checked' : 'name checked outside tunnels alone';
  switch (nameCheck) {
    case 'off':
      return 'name not checked';
    case 'report':
      return 'other names only reported';
    case 'enforce':
      return 'name checked';
  }
}

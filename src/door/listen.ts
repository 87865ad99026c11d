import type { Config, PortConfig } from '../config/config.ts';
import { ipVersion } from '../config/host.ts';
import { protocolOf } from '../config/listeners.ts';
import { serverSpeaksFirst } from '../config/name-check.ts';
import { indexNames } from '../config/name-index.ts';
import type { Protocol } from '../config/ports.ts';
import { PROBE_SOURCE, probeAddress } from '../control/protocol.ts';
import { untilAnswered } from '../dns/until-answered.ts';
import { throttle } from '../lib/throttle.ts';
import type { Log } from '../log/log.ts';
import { withFields } from '../log/with-fields.ts';
import type { BlackoutFlag } from '../relay/blackout-flag.ts';
import { type CounterCells, Counters } from '../relay/counters.ts';
import { Crowd } from '../relay/crowd.ts';
import { Descriptors } from '../relay/descriptors.ts';
import {
  type Choose,
  chooseByName,
  chooseByNameAndPort,
  chooseOnly,
  type NameRules,
} from '../relay/names/choose.ts';
import type { Relay } from '../relay/relay.ts';
import { relayTo } from '../relay/serve/relay-to.ts';
import { type SlotCells, Slots } from '../relay/slots.ts';
import type { Target } from '../relay/target.ts';
import type { Connection } from '../relay/tcp/connection.ts';
import { listenTcp, type Serve } from '../relay/tcp/listen.ts';
import type { Upstream } from '../relay/tcp/upstream.ts';
import { loopGuardOf } from './loops.ts';

/** Looks a name up once: its addresses that may be dialled now. Rejects when there is none; see isFinal. */
export type Lookup = (host: string, ...how: Parameters<Target['resolve']>) => ReturnType<Target['resolve']>;

const TRAFFIC_TOLD_EVERY = 10_000;
/** How many clients may not have named anybody yet. */
const MAX_NAMELESS = 1_000;
/** See `patience` of listenUdp, in ms. */
const UDP_PATIENCE = 5_000;
/** How many UDP sessions may have datagrams that wait for the name. */
const MAX_UDP_WAITING = 4_096;
/** What clients that are not served yet may hold in all, in bytes: those that have not named anybody, and those that wait. */
const MAX_HELD = 4 * 1024 * 1024;

/** The configuration of relays. All of it can be copied to another thread (the structured clone of HTML §2.7), as a probe's URL cannot. */
export type RelayConfig = Omit<Config, 'probes'>;

/** What the relays of all ports share. */
export interface RelayParts {
  readonly lookup: Lookup;
  readonly log: Log;
  /** On while nobody is to be let in. */
  readonly blackoutFlag: BlackoutFlag;
  /** Told that there is UDP traffic, every 10 s at most. */
  readonly onTraffic: () => void;
}

/** What the relay of a port has where other threads listen on that port too. */
export interface Share {
  /** Of the limit, which they share. */
  readonly slots: SlotCells;
  /** For what is counted, where another thread reads it. */
  readonly counters: CounterCells;
  /** Told of each dial: why it failed, or null. */
  readonly onDial: (failure: string | null) => void;
  /** Told when the slots of a UDP port are all held elsewhere. */
  readonly onCrowded: () => void;
}

/** Opens the relay of one port. Rejects with a ListenError when it cannot be listened on. */
export type OpenRelay = (port: PortConfig, share?: Share) => Promise<Relay>;

/** What the relay of one port is told, of either protocol. */
type PortOptions = Omit<
  Parameters<typeof listenTcp>[0],
  'serve' | keyof ReturnType<typeof boundsOf> | 'idleTimeout' | 'proxyProtocol' | 'bare'
> &
  Pick<Share, 'onCrowded'>;

/** How to find a target's addresses, by name and port. */
type TargetOf = (host: string, port: number) => Target;

/** The part of the configuration that relays need. */
export function forRelays({ probes, ...config }: Config): RelayConfig {
  return { ...config, bind: probes.length > 0 ? reachableByProbes(config.bind) : config.bind };
}

/** Listens in this thread. */
export function listenHere(config: RelayConfig, parts: RelayParts): OpenRelay {
  const openTcp = overTcp(config, parts);
  const openUdp = overUdp(config, parts);
  return (port, share) => {
    const options = optionsOf(port, { config, parts, share });
    return port.kind === 'udp' ? openUdp(options, port) : openTcp(options, port);
  };
}

function optionsOf(
  { kind, port, maxConnections }: PortConfig,
  {
    config,
    parts,
    share,
  }: { readonly config: RelayConfig; readonly parts: RelayParts; readonly share: Share | undefined },
): PortOptions {
  const { bind, allowFrom, connectTimeout } = config;
  return {
    port,
    bind,
    allowFrom,
    probeSource: PROBE_SOURCE,
    blackoutFlag: parts.blackoutFlag,
    sharesPort: share !== undefined,
    slots: new Slots(maxConnections, share?.slots),
    connectTimeout,
    endLevel: endLevelOf(config),
    counters: new Counters(share?.counters),
    log: withFields(parts.log, { port, protocol: protocolOf(kind) }),
    onDial: share?.onDial ?? (() => {}),
    onCrowded: share?.onCrowded ?? (() => {}),
  };
}

/** Opens relays of UDP. What they need is loaded with the first: it would be a good part of the memory that a relay takes. */
function overUdp(config: RelayConfig, { lookup, log, onTraffic }: RelayParts) {
  const { workers, udpAnswers: answers, udpTimeout: sessionTimeout } = config;
  const targetOf = targetsOf(config, { lookup, protocol: 'udp' });
  let loading: ReturnType<typeof load> | null = null;

  async function load() {
    const { listenUdp } = await import('../relay/udp/listen.ts');
    const { openUdpSockets } = await import('../relay/udp/sockets.ts');
    const shared = {
      sockets: await openUdpSockets(log),
      waiting: new Crowd({
        size: Math.ceil(MAX_UDP_WAITING / workers),
        bytes: MAX_HELD / workers,
        leaver: 'newest',
      }),
      answers,
      patience: UDP_PATIENCE,
      sessionTimeout,
      onTraffic: throttle(TRAFFIC_TOLD_EVERY, onTraffic),
    };
    return { listenUdp, shared };
  }

  return async (options: PortOptions, port: PortConfig): Promise<Relay> => {
    loading ??= load();
    const { listenUdp, shared } = await loading;
    return listenUdp({ ...options, ...shared, target: onlyTarget(port, targetOf) });
  };
}

function overTcp(config: RelayConfig, { lookup }: RelayParts) {
  const { idleTimeout, proxyProtocol } = config;
  const targetOf = targetsOf(config, { lookup, protocol: 'tcp' });
  const shared = { ...boundsOf(config), idleTimeout, proxyProtocol, bare: true };
  return async (options: PortOptions, port: PortConfig): Promise<Relay> =>
    listenTcp({ ...options, ...shared, serve: await serving(config, port, targetOf) });
}

/** Targets whose addresses never lead to this relay itself. */
function targetsOf(
  config: RelayConfig,
  { lookup, protocol }: Pick<RelayParts, 'lookup'> & { readonly protocol: Protocol },
): TargetOf {
  const withoutLoops = loopGuardOf(config, protocol);
  return (host, port) => ({
    host,
    port,
    async resolve(signal, how) {
      const attempt = () => lookup(host, signal, how);
      // Who asks anew has addresses to fall back on.
      const found = how?.fresh ? await attempt() : await untilAnswered(host, attempt, signal);
      return withoutLoops({ host, port }, found);
    },
  });
}

/** What bounds the clients of one thread that are not served yet, on whichever port. */
function boundsOf({ maxWaiting, workers }: RelayConfig) {
  const bytes = MAX_HELD / workers;
  return {
    descriptors: new Descriptors(workers),
    waiting: new Crowd({ size: Math.ceil(maxWaiting / workers), bytes, leaver: 'newest' }),
    nameless: new Crowd({ size: Math.ceil(MAX_NAMELESS / workers), bytes, leaver: 'oldest' }),
  };
}

/** At which level the end of each connection is logged; null where that would be dropped. */
function endLevelOf({ verbose, logLevel }: RelayConfig): 'info' | 'debug' | null {
  if (verbose) return 'info';
  return logLevel === 'debug' || logLevel === 'trace' ? 'debug' : null;
}

/** The addresses to listen on, and one that probes can reach from their source; null for all. */
function reachableByProbes(bind: Config['bind']): Config['bind'] {
  if (bind === null || probeAddress(bind) !== PROBE_SOURCE) return bind;
  return [...new Set([...bind, PROBE_SOURCE])];
}

/** How the clients of a port are served. What is not needed for that is not loaded. */
async function serving({ tlsEch }: RelayConfig, port: PortConfig, targetOf: TargetOf): Promise<Serve> {
  const { kind, nameCheck } = port;
  const check =
    nameCheck === 'enforce' ? (await import('../relay/serve/enforce-names.ts')).createNameCheck() : null;
  const { NameReport = null } = nameCheck === 'report' ? await import('../relay/serve/report-names.ts') : {};
  const rulesOf = (choose: Choose): NameRules => ({ choose, refuseEch: tlsEch === 'refuse' });
  const observe = (connection: Connection, rules: NameRules) =>
    NameReport && new NameReport(connection, rules);

  if (kind !== 'http-proxy') {
    const rules = rulesOf(chooseAt(port, targetOf));
    if (check !== null) return (connection) => check(connection, rules);
    return relayTo(onlyTarget(port, targetOf), (connection) => observe(connection, rules));
  }
  const { proxyHttp } = await import('../relay/serve/http-proxy.ts');
  const choose = chooseThrough(port, targetOf);
  const tunnel = async (connection: Connection, upstream: Upstream): Promise<void> => {
    const { target } = upstream;
    if (serverSpeaksFirst(target.port) || ipVersion(target.host) !== 0)
      return connection.spliceWith(upstream);
    const rules = rulesOf(chooseOnly(target, choose));
    if (check !== null) return check(connection, rules, upstream);
    return connection.spliceWith(upstream, observe(connection, rules));
  };
  return proxyHttp({ choose, tunnel });
}

/** The target of a port that leads to one name, or to the first where another is chosen. */
function onlyTarget({ allowed: [first] }: PortConfig, targetOf: TargetOf): Target {
  const { names: [host = ''] = [], ports: [port = 0] = [] } = first ?? {};
  return targetOf(host, port);
}

/** Chooses among the names of a relay, each of which has one port there. */
function chooseAt({ allowed }: PortConfig, targetOf: TargetOf): Choose {
  const index = indexNames(allowed);
  return chooseByName((name) => {
    const match = index.find(name);
    return match && targetOf(match.host, match.value.ports[0] ?? 0);
  });
}

/** Chooses among the names of a forward proxy. */
function chooseThrough({ allowed }: PortConfig, targetOf: TargetOf): Choose {
  const index = indexNames(allowed.map(({ names, ports }) => ({ names, ports: new Set(ports) })));
  return chooseByNameAndPort(
    (name, port) => {
      const match = index.find(name, ({ ports }) => ports.has(port));
      return match && targetOf(match.host, port);
    },
    (name) => index.find(name) !== null,
  );
}

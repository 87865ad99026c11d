import type { Config } from '../config/config.ts';
import { serverSpeaksFirst } from '../config/name-check.ts';
import { matchTarget } from '../config/targets.ts';
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
  /** Shut while nobody is to be let in. */
  readonly blackoutFlag: BlackoutFlag;
  /** Told that there is UDP traffic, every 10 s at most. */
  readonly onTraffic: () => void;
}

/** What is told of each port, by its index in the configuration. */
interface Options extends RelayParts {
  /** Of each listener's limit, where other threads listen on the same ports and share them. */
  readonly slots?: readonly SlotCells[];
  /** Of each listener, for what is counted, where another thread reads it. */
  readonly counters?: readonly CounterCells[];
  /** Told of each dial on a port: why it failed, or null. */
  readonly onDial?: (index: number, failure: string | null) => void;
  /** Told when the slots of a UDP port are all held elsewhere. */
  readonly onCrowded?: (index: number) => void;
}

/** What the relay of one port is told, of either protocol. */
interface PortOptions extends Omit<
  Parameters<typeof listenTcp>[0],
  'serve' | keyof ReturnType<typeof boundsOf> | 'idleTimeout' | 'proxyProtocol' | 'bare'
> {
  /** Told when its slots are all held elsewhere. */
  readonly onCrowded: () => void;
}

/** Opens the relay of one port, which leads to this port of the target. */
type OpenRelay = (options: PortOptions, targetPort: number) => Promise<Relay>;

/** How to find a target's addresses, by name and port. */
type TargetOf = (host: string, port: number) => Target;

/** The part of the configuration that relays need. */
export function forRelays({ probes, ...config }: Config): RelayConfig {
  return { ...config, bind: probes.length > 0 ? reachableByProbes(config.bind) : config.bind };
}

/** Opens the relays of all ports in this thread. Rejects with a ListenError when a port cannot be listened on. */
export async function listen(config: RelayConfig, options: Options): Promise<readonly Relay[]> {
  const { log, blackoutFlag, slots, counters, onDial = () => {}, onCrowded = () => {} } = options;
  const { bind, allowFrom, maxConnections, connectTimeout } = config;
  const endLevel = endLevelOf(config);
  const openRelay = await (config.mode === 'udp' ? overUdp : overTcp)(config, options);
  return Promise.all(
    listeners(config).map(({ listen: port, target }, index) =>
      openRelay(
        {
          port,
          bind,
          allowFrom,
          probeSource: PROBE_SOURCE,
          blackoutFlag,
          sharesPort: slots !== undefined,
          slots: new Slots(maxConnections, slots?.[index]),
          connectTimeout,
          endLevel,
          counters: new Counters(counters?.[index]),
          log: withFields(log, { port }),
          onDial: (failure) => onDial(index, failure),
          onCrowded: () => onCrowded(index),
        },
        target,
      ),
    ),
  );
}

// What is not needed is not loaded: it would be a good part of the memory that a relay takes.
async function overUdp(config: RelayConfig, { lookup, log, onTraffic }: RelayParts): Promise<OpenRelay> {
  const { listenUdp } = await import('../relay/udp/listen.ts');
  const { openUdpSockets } = await import('../relay/udp/sockets.ts');
  const { targets, workers, udpAnswers: answers, udpTimeout: sessionTimeout } = config;
  const [first = ''] = targets;
  const targetOf = targetsOf(config, lookup);
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
  return (options, target) => listenUdp({ ...options, ...shared, target: targetOf(first, target) });
}

async function overTcp(config: RelayConfig, { lookup }: RelayParts): Promise<OpenRelay> {
  const { idleTimeout, proxyProtocol } = config;
  const serve = await serving(config, targetsOf(config, lookup));
  const shared = { ...boundsOf(config), idleTimeout, proxyProtocol, bare: true };
  return (options, target) => listenTcp({ ...options, ...shared, serve: serve(target) });
}

/** Targets whose addresses never lead to this relay itself. */
function targetsOf(config: RelayConfig, lookup: Lookup): TargetOf {
  const withoutLoops = loopGuardOf(config);
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

/** What listens: with MODE=http-proxy one port for all of PORT. */
export function listeners({ mode, ports }: RelayConfig): Config['ports'] {
  return mode === 'http-proxy' ? ports.slice(0, 1) : ports;
}

/** The addresses to listen on, and one that probes can reach from their source; null for all. */
function reachableByProbes(bind: Config['bind']): Config['bind'] {
  if (bind === null || probeAddress(bind) !== PROBE_SOURCE) return bind;
  return [...new Set([...bind, PROBE_SOURCE])];
}

/** How the clients of a port are served, by the target's port. */
async function serving(config: RelayConfig, targetOf: TargetOf): Promise<(port: number) => Serve> {
  const { mode, targets, nameCheck } = config;
  const [first = ''] = targets;
  const match = (name: string) => matchTarget(targets, name);
  const check =
    nameCheck === 'enforce' ? (await import('../relay/serve/enforce-names.ts')).createNameCheck() : null;
  const { NameReport = null } = nameCheck === 'report' ? await import('../relay/serve/report-names.ts') : {};
  const observe = (connection: Connection, rules: NameRules) =>
    NameReport && new NameReport(connection, rules);
  const rulesOf = (choose: Choose): NameRules => ({ choose, refuseEch: config.tlsEch === 'refuse' });

  if (mode === 'http-proxy') {
    const { proxyHttp } = await import('../relay/serve/http-proxy.ts');
    const ports = new Set(config.ports.map(({ target }) => target));
    const choose = chooseByNameAndPort(match, ports, targetOf);
    const tunnel = async (connection: Connection, upstream: Upstream): Promise<void> => {
      if (serverSpeaksFirst(upstream.target.port)) return connection.spliceWith(upstream);
      const rules = rulesOf(chooseOnly(upstream.target, choose));
      if (check !== null) return check(connection, rules, upstream);
      return connection.spliceWith(upstream, observe(connection, rules));
    };
    return () => proxyHttp({ choose, tunnel });
  }
  return (port) => {
    const rules = rulesOf(chooseByName(match, (host) => targetOf(host, port)));
    if (check !== null) return (connection) => check(connection, rules);
    return relayTo(targetOf(first, port), (connection) => observe(connection, rules));
  };
}

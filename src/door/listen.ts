import type { Config, PortConfig } from '../config/config.ts';
import { protocolOf } from '../config/listeners.ts';
import { PROBE_SOURCE, probeAddress } from '../control/protocol.ts';
import { untilAnswered } from '../dns/until-answered.ts';
import { throttle } from '../lib/throttle.ts';
import type { Log } from '../log/log.ts';
import { WithFields } from '../log/with-fields.ts';
import type { BlackoutFlag } from '../relay/blackout-flag.ts';
import { type CounterCells, Counters } from '../relay/counters.ts';
import { Crowd } from '../relay/crowd.ts';
import { Descriptors } from '../relay/descriptors.ts';
import { createLoopGuard } from '../relay/loop-guard.ts';
import type { NameAddresses } from '../relay/name-addresses.ts';
import { type Counted, NameTable } from '../relay/name-table.ts';
import { type Relay, type ThreadRelay, UDP_PATIENCE } from '../relay/relay.ts';
import { type SlotCells, Slots } from '../relay/slots.ts';
import type { Target } from '../relay/target.ts';
import { listenTcp } from '../relay/tcp/listen.ts';
import { type DestinationOf, Routes } from './routes.ts';
import { leadUdp, serveTcp } from './serving.ts';

/** Looks a name up once: its addresses that may be dialled now. Rejects when there is none; see isFinal. */
export type Lookup = (host: string, ...how: Parameters<Target['resolve']>) => ReturnType<Target['resolve']>;

const TRAFFIC_TOLD_EVERY = 10_000;
/** How many clients may not have named anybody yet. */
const MAX_NAMELESS = 1_000;
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
  /** Names that have addresses of their own; null where none have. */
  readonly nameAddresses: NameAddresses | null;
  /** Told that there is UDP traffic, every 10 s at most. */
  readonly onTraffic: () => void;
  /** Told of each name that is counted from now on. */
  readonly onName: (counted: Counted) => void;
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

/** A relay that goes by a list which may change. */
export interface LedRelay {
  readonly relay: Relay;
  /** Has it lead elsewhere from now on, by a configuration of the same port, and ends what leads to what is not allowed any more. */
  lead: (port: PortConfig) => Promise<void>;
  /** Ends it, and all that lives there, as nothing of it is allowed any more. */
  end: () => Promise<void>;
}

/** Opens the relay of one port. Rejects with a ListenError when it cannot be listened on. */
export type OpenRelay = (port: PortConfig, share?: Share) => Promise<LedRelay>;

/** What the relay of one port is told, of either protocol. */
type PortOptions = Omit<
  Parameters<typeof listenTcp>[0],
  'serve' | keyof ReturnType<typeof boundsOf> | 'idleTimeout' | 'proxyProtocol' | 'bare'
> &
  Pick<Share, 'onCrowded'>;

interface Opened {
  readonly relay: ThreadRelay;
  /** Has new clients served as the routes say by now. */
  readonly adapt: () => Promise<void>;
}

/** The part of the configuration that relays need. */
export function forRelays({ probes, ...config }: Config): RelayConfig {
  return { ...config, bind: probes.length > 0 ? reachableByProbes(config.bind) : config.bind };
}

/** Listens in this thread. */
export function listenHere(config: RelayConfig, parts: RelayParts): OpenRelay {
  const open = { tcp: overTcp(config, parts), udp: overUdp(config, parts) };
  const listening = { tcp: new Set<number>(), udp: new Set<number>() };
  const names = new NameTable(parts.onName);
  const destinationsOver = {
    tcp: destinationsOf(config, parts.lookup, listening.tcp),
    udp: destinationsOf(config, parts.lookup, listening.udp),
  };
  return async (port, share) => {
    const protocol = protocolOf(port.kind);
    const routes = new Routes(port, destinationsOver[protocol], names);
    const shut = () => listening[protocol].delete(port.port);
    listening[protocol].add(port.port);
    try {
      const opened = await open[protocol](optionsOf(port, { config, parts, share }), routes);
      return new LedHere(opened, routes, shut);
    } catch (cause) {
      shut();
      throw cause;
    }
  };
}

/** A relay of this thread that goes by routes. */
class LedHere implements LedRelay {
  readonly relay: ThreadRelay;
  readonly #adapt: Opened['adapt'];
  readonly #routes: Routes;
  readonly #onShut: () => void;

  constructor({ relay, adapt }: Opened, routes: Routes, onShut: () => void) {
    this.relay = relay;
    this.#adapt = adapt;
    this.#routes = routes;
    this.#onShut = onShut;
  }

  async lead(next: PortConfig): Promise<void> {
    this.#routes.lead(next);
    await this.#adapt();
    this.#endOthers();
  }

  async end(): Promise<void> {
    this.#routes.lead({ ...this.#routes.port, allowed: [] });
    this.#endOthers();
    await this.relay.drain(AbortSignal.abort());
    this.#onShut();
  }

  #endOthers(): void {
    this.relay.keepOnly((target) => this.#routes.allows(target));
  }
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
    log: new WithFields(parts.log, { port, protocol: protocolOf(kind) }),
    onDial: share?.onDial ?? (() => {}),
    onCrowded: share?.onCrowded ?? (() => {}),
  };
}

/** Opens relays of UDP. What they need is loaded with the first: it would be a good part of the memory that a relay takes. */
function overUdp(config: RelayConfig, { log, onTraffic, nameAddresses }: RelayParts) {
  const { workers, udpAnswers: answers, udpTimeout: sessionTimeout } = config;
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
      byAddress: nameAddresses !== null,
      patience: UDP_PATIENCE,
      sessionTimeout,
      onTraffic: throttle(TRAFFIC_TOLD_EVERY, onTraffic),
    };
    return { listenUdp, shared };
  }

  return async (options: PortOptions, routes: Routes): Promise<Opened> => {
    loading ??= load();
    const { listenUdp, shared } = await loading;
    const lead = leadUdp(routes, nameAddresses);
    const relay = await listenUdp({ ...options, ...shared, lead });
    return { relay, adapt: async () => {} };
  };
}

function overTcp(config: RelayConfig, { nameAddresses }: RelayParts) {
  const { idleTimeout, proxyProtocol } = config;
  const shared = { ...boundsOf(config), idleTimeout, proxyProtocol, bare: true };
  return async (options: PortOptions, routes: Routes): Promise<Opened> => {
    let serve = await serveTcp(config, routes, nameAddresses);
    const relay = await listenTcp({ ...options, ...shared, serve: (connection) => serve(connection) });
    const adapt = async () => {
      serve = await serveTcp(config, routes, nameAddresses);
    };
    return { relay, adapt };
  };
}

/** What may be dialled: its addresses never lead to this relay itself, which listens on these ports. */
function destinationsOf(config: RelayConfig, lookup: Lookup, listening: ReadonlySet<number>): DestinationOf {
  const withoutLoops = createLoopGuard(listening, config);
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

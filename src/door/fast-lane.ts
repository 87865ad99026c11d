import { once } from 'node:events';
import { isIPv4 } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import type { Config, PortConfig } from '../config/config.ts';
import { mustChoose } from '../config/listeners.ts';
import { isWildcard } from '../config/targets.ts';
import type { Status } from '../control/protocol.ts';
import { type Flow, isLive, listFlows, watchFlows } from '../lane/conntrack.ts';
import type { LaneCounts, Lanes } from '../lane/lanes.ts';
import { logFlows } from '../lane/log-flows.ts';
import { type Lane, MAX_ID } from '../lane/ruleset.ts';
import { LaneShare } from '../lane/share.ts';
import { watchSilence } from '../lane/silence.ts';
import { messageOf } from '../lib/message-of.ts';
import { createNetworkTest } from '../lib/networks.ts';
import type { Protocol } from '../lib/protocol.ts';
import type { Log } from '../log/log.ts';
import type { BlackoutFlag } from '../relay/blackout-flag.ts';
import type { LoopGuard } from '../relay/loop-guard.ts';
import { NameTable } from '../relay/name-table.ts';
import type { Relay } from '../relay/relay.ts';
import { isForwarded } from '../runtime/forwarding.ts';
import { LaneEnds } from './lane-ends.ts';
import { loopGuardOf } from './loops.ts';
import type { GivenAddresses } from './name-addresses.ts';
import { seconds } from './open-lanes.ts';

interface Deps {
  /** The addresses that a name has now, as far as they are known: none is asked for. */
  readonly addressesOf: (name: string) => readonly string[];
  /** Names that have addresses of their own; null where none have. */
  readonly given: Pick<GivenAddresses, 'known'> | null;
  readonly relays: { readonly all: readonly LanedRelay[]; readonly isDraining: boolean };
  /** Told of each name that is counted from now on. */
  readonly onName: ConstructorParameters<typeof NameTable>[0];
  readonly blackoutFlag: BlackoutFlag;
  /** The configuration in force. */
  readonly current: () => Config;
  /** Whether the kernel has flows that another door left. */
  readonly hasFormer: boolean;
  readonly log: Log;
}

/** A relay that the kernel may relay for. */
type LanedRelay = Pick<Relay, 'port' | 'protocol' | 'slots' | 'counters'>;

/** A port whose new flows the kernel may take. */
interface Port {
  readonly share: LaneShare;
  /** Whether there are lanes for it, where the kernel may have any of its flows. */
  isLaned: boolean;
  /** How many flows of it the kernel may have now; 0: it takes none. */
  limit: number;
  readonly closed: AbortController;
}

/** A name at a port, and what was known of it last. */
interface Way {
  readonly id: number;
  readonly port: number;
  readonly protocol: Protocol;
  readonly host: string;
  /** null: it is not in the list any more. */
  targets: readonly string[] | null;
  counts: LaneCounts;
}

/** Where ways lead now. */
interface WayNow {
  readonly way: Way;
  readonly targets: readonly string[];
  readonly lanes: readonly Lane[];
}

type PortKey = Pick<Relay, 'port' | 'protocol'>;

const NOTHING: LaneCounts = { opened: 0, sent: 0, received: 0 };
/** Until what the kernel could not be told is tried again, in ms. */
const RETRY = 1_000;
/** How often a drain looks whether flows still live, in ms. */
const LOOK_EVERY = 200;
/** How long the kernel may take to end what is live beyond the time of a drain, in ms. */
const LAST_WORDS = 500;
/** A session that pauses for so long is over, as far as a drain can tell, in s: the kernel tells no parts of one. */
const QUIET = 1;

/** Has the kernel take new flows in front of the relay, wherever their targets' addresses are known. */
export class FastLane {
  readonly #deps: Deps;
  readonly #lanes: Lanes;
  readonly #names: NameTable;
  /** By port and protocol. */
  readonly #ports = new Map<string, Port>();
  /** By port, protocol and name: for as long as the program runs, as their flows may live as long. */
  readonly #ways = new Map<string, Way>();
  /** The same by id. */
  readonly #all: Way[] = [];
  readonly #udpTimeout: number;
  readonly #stops: (() => void)[] = [];
  readonly #ends: LaneEnds;
  #looking: Promise<boolean> | null = null;
  #trying: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Live flows by way, when they could last be looked at. */
  #live: ReadonlyMap<number, number> = new Map();

  constructor({ verbose, udpTimeout }: Config, lanes: Lanes, deps: Deps) {
    this.#deps = deps;
    this.#lanes = lanes;
    this.#names = new NameTable(deps.onName);
    this.#udpTimeout = seconds(udpTimeout);
    const { log, hasFormer } = deps;
    this.#ends = new LaneEnds({
      log,
      onEnded: () => void this.follow(),
      onFailed: () => this.#tryAgain(),
    });
    if (hasFormer) this.#ends.endAll();
    const wayOf = ({ id }: Flow) => this.#wayOf(id);
    if (verbose) this.#stops.push(logFlows({ log, level: 'info', wayOf }));
    const mayMove = () => this.#all.some(({ id, protocol }) => protocol === 'udp' && hasOthers(id));
    const hasOthers = (id: number) => (this.#wayOf(id)?.targets?.length ?? 0) > 1;
    this.#stops.push(watchSilence({ timeout: this.#udpTimeout, mayMove, hasOthers }));
  }

  /** Asks nothing of the kernel any more, which goes on as it is. */
  close(): void {
    this.#isClosed = true;
    for (const stop of this.#stops) stop();
    for (const { closed } of this.#ports.values()) closed.abort();
    clearTimeout(this.#trying);
  }

  /** What the kernel does now. */
  get status(): NonNullable<Status['fastLane']> {
    const { size, trouble } = this.#lanes;
    return { lanes: size, trouble: trouble === null ? null : messageOf(trouble) };
  }

  /** Live flows of a port that the kernel has, beyond those slots that are held for it. */
  surplus(relay: PortKey): number {
    return (
      this.#liveOn(relay, (way) => !this.#isEnding(way)) - (this.#ports.get(keyOf(relay))?.share.held ?? 0)
    );
  }

  /** Goes by names, addresses, ports and switches as they are now. Resolves when the kernel does, as far as it can be told; never rejects. */
  async follow(): Promise<void> {
    const ways = this.#waysNow();
    this.#noteTargets(ways);
    this.#followPorts(ways);
    const isShut = this.#deps.blackoutFlag.isOn || this.#deps.relays.isDraining;
    const ready = isShut ? [] : ways.filter(({ way }) => this.#limitOf(way) > 0 && !this.#isEnding(way));
    const batch = this.#ends.begin();
    await this.#lanes.follow(
      ready.flatMap(({ lanes }) => lanes),
      this.#ends.ending,
    );
    if (this.#lanes.trouble === null) await this.#ends.finish(batch);
    else this.#tryAgain();
  }

  #tryAgain(): void {
    clearTimeout(this.#trying);
    if (this.#isClosed) return;
    this.#trying = setTimeout(() => void this.look(), RETRY).unref();
  }

  /** See Relay. Rejects where the kernel cannot be told, and may go on. */
  async clear(how: 'cut' | 'drain'): Promise<void> {
    if (how === 'cut') this.#ends.endAll();
    await this.follow();
    const { trouble } = this.status;
    if (trouble !== null) throw new Error(`the kernel may still take new clients: ${trouble}`);
    if (this.#ends.areOverdue) throw new Error('what the kernel has taken goes on: conntrack fails');
  }

  /** Takes nothing new; resolves when all flows have ended, which the deadline enforces. */
  async drain(deadline: AbortSignal): Promise<void> {
    const over = once(deadline, 'abort').then(() => {});
    // The kernel's tools may hang.
    await Promise.race([
      this.#drain(deadline),
      deadline.aborted ? delay(LAST_WORDS) : over.then(() => delay(LAST_WORDS)),
    ]);
  }

  async #drain(deadline: AbortSignal): Promise<void> {
    await this.follow();
    const areBusy = async () => {
      const flows = await listFlows().catch(() => null);
      return flows === null || flows.some((flow) => this.#isBusy(flow));
    };
    while (!deadline.aborted && (await areBusy()))
      await delay(LOOK_EVERY, undefined, { signal: deadline }).catch(() => {});
    await this.clear('cut').catch(() => {});
  }

  /**
   * Has the counters of relays and names be those of now, and the kernel's rules those that are wanted. Resolves with whether the kernel could be told, and
   * told of its flows; never rejects.
   */
  look(): Promise<boolean> {
    this.#looking ??= this.#look().finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #look(): Promise<boolean> {
    await this.follow();
    const counts = await this.#lanes.look();
    const flows = await listFlows().catch(() => null);
    if (flows !== null) {
      const live = Map.groupBy(flows.filter(isLive), ({ id }) => id);
      this.#live = new Map([...live].map(([id, some]) => [id, some.length]));
    }
    if (counts === null) this.#tryAgain();
    else for (const way of this.#all) this.#count(way, counts.get(way.id) ?? NOTHING);
    return counts !== null && flows !== null;
  }

  #isEnding({ protocol, id }: Pick<Way, 'protocol' | 'id'>): boolean {
    return protocol === 'tcp' && this.#ends.isEnding(id);
  }

  /** Whether a flow has to be waited for: of UDP one that has said something just now. */
  #isBusy(flow: Flow): boolean {
    if (flow.state === '') return flow.left >= this.#udpTimeout - QUIET;
    return isLive(flow) && !this.#ends.isEnding(flow.id);
  }

  /** Ports come and go with the list, and with them the kernel's part of their slots. */
  #followPorts(ways: readonly WayNow[]): void {
    const laned = new Set(ways.filter(({ lanes }) => lanes.length > 0).map(({ way }) => keyOf(way)));
    const relays = new Map(this.#deps.relays.all.map((relay) => [keyOf(relay), relay]));
    for (const [key, { closed }] of this.#ports) {
      if (relays.has(key)) continue;
      closed.abort();
      this.#ports.delete(key);
    }
    for (const [key, relay] of relays) {
      const port = this.#ports.get(key) ?? this.#open(relay);
      const isNew = !this.#ports.has(key);
      const isChanged = port.isLaned !== laned.has(key);
      this.#ports.set(key, port);
      port.isLaned = laned.has(key);
      if (isNew) void port.share.run(port.closed.signal);
      else if (isChanged) port.share.notice();
    }
  }

  #open(relay: LanedRelay): Port {
    const share = new LaneShare({
      slots: relay.slots,
      hasLanes: () => port.isLaned,
      onLimit: async (limit) => {
        port.limit = limit;
        await this.follow();
      },
      live: async () => {
        await this.#looking; // which may have begun too early
        return (await this.look()) ? this.#liveOn(relay) : null;
      },
      watchEnds: (onEnd) => watchFlows('UPDATES,DESTROY', (flow) => isLive(flow) || onEnd()),
    });
    const port: Port = { share, isLaned: false, limit: 0, closed: new AbortController() };
    return port;
  }

  #limitOf(relay: PortKey): number {
    return this.#ports.get(keyOf(relay))?.limit ?? 0;
  }

  #liveOn({ port, protocol }: PortKey, isCounted: (way: Way) => boolean = () => true): number {
    return this.#all
      .filter((way) => way.port === port && way.protocol === protocol && isCounted(way))
      .reduce((sum, { id }) => sum + (this.#live.get(id) ?? 0), 0);
  }

  /** All names at all ports, and where each leads. */
  #waysNow(): readonly WayNow[] {
    const config = this.#deps.current();
    const guards = { tcp: loopGuardOf(config, 'tcp'), udp: loopGuardOf(config, 'udp') };
    return config.listeners.flatMap((listener) => {
      const { kind, port, allowed } = listener;
      if (kind === 'http-proxy' || (kind === 'udp' && !config.udpAnswers)) return [];
      return allowed.flatMap(({ names, ports: [targetPort = 0] }) =>
        names.flatMap((host) => {
          const way = isWildcard(host) ? null : this.#way({ port, protocol: kind, host });
          if (way === null) return [];
          const targets = withoutLoops(
            guards[kind],
            { host, port: targetPort },
            this.#deps.addressesOf(host),
          );
          return [{ way, targets, lanes: this.#lanesOf(listener, way, { targets, targetPort }) }];
        }),
      );
    });
  }

  #wayOf(id: number): Way | null {
    return this.#all[id] ?? null;
  }

  /** Null where there have been too many to tell their flows apart. */
  #way({ port, protocol, host }: Pick<Way, 'port' | 'protocol' | 'host'>): Way | null {
    const key = `${keyOf({ port, protocol })} ${host}`;
    const known = this.#ways.get(key);
    if (known !== undefined) return known;
    if (this.#all.length > MAX_ID) return null;
    const way = { id: this.#all.length, port, protocol, host, targets: null, counts: NOTHING };
    this.#ways.set(key, way);
    this.#all.push(way);
    return way;
  }

  /** One for each address of ours that leads there and nowhere else; without names' own addresses one for each family. */
  #lanesOf(
    listener: PortConfig,
    { id, port, protocol, host }: Way,
    { targets, targetPort }: Pick<Lane, 'targets' | 'targetPort'>,
  ): readonly Lane[] {
    const { given } = this.#deps;
    const limit = this.#limitOf({ port, protocol });
    const owns = given === null ? (mustChoose(listener) ? [] : [null]) : given.known(host);
    return [true, false].filter(isForwarded).flatMap((isV4) => {
      const same = targets.filter((target) => isIPv4(target) === isV4 && isElsewhere(target));
      if (same.length === 0) return [];
      return owns
        .filter((own) => own === null || isIPv4(own) === isV4)
        .map((own) => ({ id, protocol, port, own, targets: same, targetPort, limit }));
    });
  }

  /** Notes what there is, and what of flows ends with it: all of a way that is gone, and sessions to addresses that are not the name's any more. */
  #noteTargets(now: readonly WayNow[]): void {
    const targetsOf = new Map(now.map(({ way, targets }) => [way, targets]));
    for (const way of this.#all) {
      const targets = targetsOf.get(way) ?? null;
      const { id, protocol } = way;
      const former = way.targets ?? [];
      if (targets === null && way.targets !== null)
        if (protocol === 'tcp') this.#ends.endConnections(id);
        else this.#ends.endSessions(id);
      if (targets !== null && protocol === 'udp')
        for (const target of former.filter((each) => !targets.includes(each)))
          this.#ends.endSessions(id, target);
      way.targets = targets;
    }
  }

  #count(way: Way, counts: LaneCounts): void {
    // The kernel begins anew where its rules were taken away.
    const more = (what: keyof LaneCounts) =>
      counts[what] < way.counts[what] ? counts[what] : counts[what] - way.counts[what];
    const delta = { opened: more('opened'), sent: more('sent'), received: more('received') };
    way.counts = counts;
    if (delta.opened + delta.sent + delta.received === 0) return;
    const relay = this.#deps.relays.all.find((each) => keyOf(each) === keyOf(way));
    if (relay === undefined) return;
    const { host: asked, port, protocol } = way;
    for (const counters of [relay.counters, this.#names.of({ asked, port, protocol }, 'listed')]) {
      if (delta.opened > 0) counters.opened(delta.opened);
      counters.sent(delta.sent);
      counters.received(delta.received);
    }
  }
}

/** What is here, or of one link alone, or none of its family in truth, the kernel does not lead to: the relay may. */
const isHere = createNetworkTest([
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['224.0.0.0', 3],
  ['::', 127],
  ['::ffff:0:0', 96],
  ['fe80::', 10],
  ['ff00::', 8],
]);

function isElsewhere(address: string): boolean {
  return !address.includes('%') && !isHere(address);
}

function keyOf({ port, protocol }: PortKey): string {
  return `${port}/${protocol}`;
}

/** A loop is told of by the relay, which is asked where there is no lane. */
function withoutLoops(
  guard: LoopGuard,
  target: Parameters<LoopGuard>[0],
  addresses: readonly string[],
): readonly string[] {
  try {
    return guard(
      target,
      addresses.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 })),
    ).map(({ address }) => address);
  } catch {
    return [];
  }
}

import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import type { Config } from '../config/config.ts';
import type { Status } from '../control/protocol.ts';
import { type Flow, isLive, listFlows, watchFlows } from '../lane/conntrack.ts';
import type { Lanes } from '../lane/lanes.ts';
import { logFlows } from '../lane/log-flows.ts';
import { watchSilence } from '../lane/silence.ts';
import { messageOf } from '../lib/message-of.ts';
import { portKey } from '../lib/protocol.ts';
import type { Log } from '../log/log.ts';
import type { BlackoutFlag } from '../relay/blackout-flag.ts';
import type { NameTable } from '../relay/name-table.ts';
import { LaneCounters } from './lane-counters.ts';
import { LaneEnds } from './lane-ends.ts';
import { LanePorts, type PortOf } from './lane-ports.ts';
import type { GivenAddresses } from './name-addresses.ts';
import { seconds } from './open-lanes.ts';
import type { Relays } from './relays.ts';
import { type Way, type WayNow, Ways } from './ways.ts';

interface Deps {
  /** The addresses that a name has now, as far as they are known: none is asked for. */
  readonly addressesOf: (name: string) => readonly string[];
  /** Names that have addresses of their own; null where none have. */
  readonly given: Pick<GivenAddresses, 'known'> | null;
  readonly relays: Pick<Relays, 'all' | 'isDraining'>;
  /** Told of each name that is counted from now on. */
  readonly onName: ConstructorParameters<typeof NameTable>[0];
  readonly blackoutFlag: BlackoutFlag;
  /** The configuration in force. */
  readonly current: () => Config;
  /** Whether the kernel has flows that another door left. */
  readonly hasFormer: boolean;
  readonly log: Log;
}

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
  readonly #ports: LanePorts;
  readonly #ways: Ways;
  readonly #counters: LaneCounters;
  readonly #ends: LaneEnds;
  readonly #udpTimeout: number;
  readonly #stops: (() => void)[] = [];
  /** Names at ports and where each leads, as they were last, by the way's id. */
  #current: ReadonlyMap<number, WayNow> = new Map();
  #looking: Promise<boolean> | null = null;
  #trying: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Which part each live flow is counted with, by way, when they could last be looked at. */
  #live: ReadonlyMap<number, readonly number[]> = new Map();

  constructor({ verbose, udpTimeout }: Config, lanes: Lanes, deps: Deps) {
    this.#deps = deps;
    this.#lanes = lanes;
    this.#udpTimeout = seconds(udpTimeout);
    const { log, hasFormer, addressesOf, given, relays, onName } = deps;
    this.#ports = new LanePorts({
      onLimit: () => this.follow(),
      live: (port) => this.#liveNow(port),
      watchEnds: (onEnd) => watchFlows('UPDATES,DESTROY', (flow) => isLive(flow) || onEnd()),
    });
    this.#ways = new Ways({ addressesOf, given, limitOf: (port) => this.#ports.limitOf(port) });
    this.#counters = new LaneCounters({ relays: () => relays.all, onName });
    this.#ends = new LaneEnds({
      log,
      onEnded: () => void this.follow(),
      onFailed: () => this.#tryAgain(),
    });
    if (hasFormer) this.#ends.endAll();
    const wayOf = ({ id }: Flow) => this.#ways.all[id] ?? null;
    if (verbose) this.#stops.push(logFlows({ log, level: 'info', wayOf }));
    const hasOthers = (id: number) => (this.#current.get(id)?.targets.length ?? 0) > 1;
    const mayMove = () =>
      this.#current.values().some(({ way: { id, protocol } }) => protocol === 'udp' && hasOthers(id));
    this.#stops.push(watchSilence({ timeout: this.#udpTimeout, mayMove, hasOthers }));
  }

  /** Asks nothing of the kernel any more, which goes on as it is. */
  close(): void {
    this.#isClosed = true;
    for (const stop of this.#stops) stop();
    this.#ports.close();
    clearTimeout(this.#trying);
  }

  /** What the kernel does now. */
  get status(): NonNullable<Status['fastLane']> {
    const { size, trouble } = this.#lanes;
    return { lanes: size, trouble: trouble === null ? null : messageOf(trouble) };
  }

  /** Live flows of a port that the kernel has, beyond those slots that are held for it. */
  surplus(relay: PortOf): number {
    return this.#liveOn(relay, (way) => !this.#isEnding(way)).length - this.#ports.heldOf(relay);
  }

  /** Goes by names, addresses, ports and switches as they are now. Resolves when the kernel does, as far as it can be told; never rejects. */
  async follow(): Promise<void> {
    const ways = this.#ways.now(this.#deps.current());
    this.#endWhatIsGone(ways);
    const laned = new Set(ways.filter(({ lanes }) => lanes.length > 0).map(({ way }) => portKey(way)));
    this.#ports.follow(this.#deps.relays.all, (port) => laned.has(portKey(port)));
    const isShut = this.#deps.blackoutFlag.isOn || this.#deps.relays.isDraining;
    const ready = isShut
      ? []
      : ways.filter(({ way }) => this.#ports.limitOf(way) > 0 && !this.#isEnding(way));
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
      this.#live = new Map([...live].map(([id, some]) => [id, some.map(({ part }) => part)]));
    }
    if (counts === null) this.#tryAgain();
    else this.#counters.note(counts, this.#ways.all);
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

  /** Which part each live flow of a port is counted with, by a look that begins now; null where that cannot be told. */
  async #liveNow(port: PortOf): Promise<readonly number[] | null> {
    await this.#looking; // which may have begun too early
    return (await this.look()) ? this.#liveOn(port) : null;
  }

  #liveOn({ port, protocol }: PortOf, isCounted: (way: Way) => boolean = () => true): readonly number[] {
    return this.#ways.all
      .filter((way) => way.port === port && way.protocol === protocol && isCounted(way))
      .flatMap(({ id }) => this.#live.get(id) ?? []);
  }

  /** Has flows end that are of a way which is gone, and sessions to addresses that are not the name's any more. */
  #endWhatIsGone(ways: readonly WayNow[]): void {
    const next = new Map(ways.map((each) => [each.way.id, each]));
    for (const [id, { way, targets: former }] of this.#current) {
      const targets = next.get(id)?.targets ?? null;
      if (targets === null && way.protocol === 'tcp') this.#ends.endConnections(id);
      else if (targets === null) this.#ends.endSessions(id);
      else if (way.protocol === 'udp')
        for (const target of former.filter((each) => !targets.includes(each)))
          this.#ends.endSessions(id, target);
    }
    this.#current = next;
  }
}

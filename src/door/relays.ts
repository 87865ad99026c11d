import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import type { PortConfig } from '../config/config.ts';
import { protocolOf } from '../config/listeners.ts';
import { atMost } from '../lib/at-most.ts';
import { portKey } from '../lib/protocol.ts';
import type { Relay } from '../relay/relay.ts';
import type { LedRelay, OpenRelay } from './listen.ts';

/** How many ports are changed before what lives has its turn: a thousand take a third of a second. */
const AT_ONCE = 16;

/** A port that is listened on. */
interface Opened {
  readonly port: PortConfig;
  readonly led: LedRelay;
}

/** What relays in front of them: the kernel. */
export interface Front extends Pick<Relay, 'clear' | 'drain'> {
  /** Goes by names, ports and switches as they are now. */
  readonly follow: () => Promise<void>;
  /** Live flows beyond the slots that are held for them. */
  readonly surplus: (relay: Relay) => number;
}

/** The relays of all ports as one. There are none until the first `follow` resolves, so that a blackout can be switched on before that. */
export class Relays {
  /** By port and protocol, in the order of the configuration. */
  #opened: ReadonlyMap<string, Opened> = new Map();
  readonly #failed = Promise.withResolvers<never>();
  readonly #limited = atMost(AT_ONCE);
  #isDraining = false;
  #front: Front | null = null;

  constructor() {
    this.#failed.promise.catch(() => {}); // nobody may ask before there is a relay
  }

  /** In the order of the configuration. */
  get all(): readonly Relay[] {
    return [...this.#opened.values()].map(({ led }) => led.relay);
  }

  /** Whether nothing new is accepted. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Connections and sessions that live. */
  get live(): number {
    return this.all.reduce((sum, relay) => sum + this.liveOf(relay), 0);
  }

  /** The same of one of them. */
  liveOf(relay: Relay): number {
    return relay.live + (this.#front?.surplus(relay) ?? 0);
  }

  /** Has something relay in front of them, as far as it can. */
  async putInFront(front: Front): Promise<void> {
    this.#front = front;
    await front.follow();
  }

  /** To be called when names or switches have changed. */
  async reopen(): Promise<void> {
    await this.#front?.follow();
  }

  /** Rejects with the first failure of a listener; never resolves. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /**
   * Listens on these ports, from now on: opens what is new, leads elsewhere what has changed, and ends what is gone. Rejects when one of the new ones cannot be
   * listened on, and nothing has changed then. Once nothing new is accepted, nothing is opened either.
   */
  async follow(ports: readonly PortConfig[], openRelay: OpenRelay): Promise<void> {
    const former = this.#opened;
    const isKnown = (port: PortConfig) => former.has(keyOf(port));
    const added = this.#isDraining ? [] : ports.filter((port) => !isKnown(port));
    const all = new Map([...former, ...(await this.#openAll(added, openRelay))]);
    const wanted = new Map(
      (this.#isDraining ? ports.filter(isKnown) : ports).map((port) => [keyOf(port), port]),
    );
    const changes = [...all].map(([key, { port, led }]) => ({ led, port, next: wanted.get(key) }));
    this.#opened = new Map([...wanted].map(([key, port]) => [key, { ...(all.get(key) as Opened), port }]));
    await Promise.all(
      changes.map(async ({ led, port, next }) => {
        if (next === undefined) await this.#changeOne(() => led.end());
        else if (!isDeepStrictEqual(port, next)) await this.#changeOne(() => led.lead(next));
      }),
    );
  }

  #withFront(): readonly Pick<Relay, 'clear' | 'drain'>[] {
    return this.#front === null ? this.all : [this.#front, ...this.all];
  }

  async #openAll(ports: readonly PortConfig[], openRelay: OpenRelay): Promise<ReadonlyMap<string, Opened>> {
    const opening = await Promise.allSettled(
      ports.map((port) => this.#changeOne(async () => ({ port, led: await openRelay(port) }))),
    );
    const opened = opening.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
    const failure = opening.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) {
      await Promise.all(opened.map(({ led }) => led.end()));
      throw failure.reason;
    }
    for (const { led } of opened) led.relay.failed.catch(this.#failed.reject);
    return new Map(opened.map((each) => [keyOf(each.port), each]));
  }

  /** Has bytes move on between a few ports and the next. */
  #changeOne<T>(run: () => Promise<T>): Promise<T> {
    return this.#limited(async () => {
      await setImmediate();
      return run();
    });
  }

  /** See Relay. */
  async clear(...how: Parameters<Relay['clear']>): Promise<void> {
    await Promise.all(this.#withFront().map((relay) => relay.clear(...how)));
  }

  /** See Relay. */
  async flushLog(): Promise<void> {
    await Promise.all(this.all.map(async (relay) => relay.flushLog?.()));
  }

  /** See Relay. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#isDraining = true;
    await Promise.all(this.#withFront().map((relay) => relay.drain(deadline)));
  }
}

function keyOf({ kind, port }: PortConfig): string {
  return portKey({ port, protocol: protocolOf(kind) });
}

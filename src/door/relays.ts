import { isDeepStrictEqual } from 'node:util';

import type { PortConfig } from '../config/config.ts';
import { protocolOf } from '../config/listeners.ts';
import type { Relay } from '../relay/relay.ts';
import type { LedRelay, OpenRelay } from './listen.ts';

/** A port that is listened on. */
interface Opened {
  readonly port: PortConfig;
  readonly relay: LedRelay;
}

/** The relays of all ports as one. There are none until the first `follow` resolves, so that a blackout can be switched on before that. */
export class Relays {
  /** By port and protocol, in the order of the configuration. */
  #opened: ReadonlyMap<string, Opened> = new Map();
  readonly #failed = Promise.withResolvers<never>();
  #isDraining = false;

  constructor() {
    this.#failed.promise.catch(() => {}); // nobody may ask before there is a relay
  }

  /** In the order of the configuration. */
  get all(): readonly Relay[] {
    return [...this.#opened.values()].map(({ relay }) => relay);
  }

  /** Whether nothing new is accepted. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Connections and sessions that hold a slot. */
  get live(): number {
    return this.all.reduce((sum, { live }) => sum + live, 0);
  }

  /** Rejects with the first failure of a listener; never resolves. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /**
   * Listens on these ports, from now on: opens what is new, leads elsewhere what has changed, and ends what is gone. Rejects when one of the new ones cannot be
   * listened on, and nothing has changed then.
   */
  async follow(ports: readonly PortConfig[], openRelay: OpenRelay): Promise<void> {
    const before = this.#opened;
    const fresh = await this.#openAll(
      ports.filter((port) => !before.has(keyOf(port))),
      openRelay,
    );
    const wanted = new Map(ports.map((port) => [keyOf(port), port]));
    const gone = [...before].filter(([key]) => !wanted.has(key)).map(([, opened]) => opened);
    const followed = ports.map(async (port): Promise<Opened> => {
      const opened = before.get(keyOf(port)) ?? fresh.get(keyOf(port));
      if (opened === undefined || isDeepStrictEqual(opened.port, port)) return opened as Opened;
      return { port, relay: await leadElsewhere(opened, port, openRelay) };
    });
    this.#opened = new Map((await Promise.all(followed)).map((opened) => [keyOf(opened.port), opened]));
    await Promise.all(gone.map(end));
  }

  async #openAll(ports: readonly PortConfig[], openRelay: OpenRelay): Promise<ReadonlyMap<string, Opened>> {
    const opening = await Promise.allSettled(ports.map((port) => openRelay(port)));
    const opened = ports.flatMap((port, index) => {
      const outcome = opening[index];
      return outcome?.status === 'fulfilled' ? [{ port, relay: outcome.value }] : [];
    });
    const failure = opening.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) {
      await Promise.all(opened.map(end));
      throw failure.reason;
    }
    for (const { relay } of opened) relay.failed.catch(this.#failed.reject);
    return new Map(opened.map((each) => [keyOf(each.port), each]));
  }

  /** See Relay. */
  async clear(...how: Parameters<Relay['clear']>): Promise<void> {
    await Promise.all(this.all.map((relay) => relay.clear(...how)));
  }

  /** See Relay. */
  async settleLog(): Promise<void> {
    await Promise.all(this.all.map(async (relay) => relay.settleLog?.()));
  }

  /** See Relay. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#isDraining = true;
    await Promise.all(this.all.map((relay) => relay.drain(deadline)));
  }
}

function keyOf({ kind, port }: PortConfig): string {
  return `${port}/${protocolOf(kind)}`;
}

/** A relay that leads to one name alone makes room for another. */
async function leadElsewhere(
  { port, relay }: Opened,
  next: PortConfig,
  openRelay: OpenRelay,
): Promise<LedRelay> {
  if (relay.lead !== null) {
    await relay.lead(next);
    return relay;
  }
  await end({ port, relay });
  return openRelay(next);
}

/** What lives there is told that nothing is allowed any more. */
async function end({ port, relay }: Opened): Promise<void> {
  await relay.lead?.({ ...port, allowed: [] });
  await relay.drain(AbortSignal.abort());
}

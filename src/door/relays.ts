import type { PortConfig } from '../config/config.ts';
import type { Relay } from '../relay/relay.ts';
import type { OpenRelay } from './listen.ts';

/** The relays of all ports as one. There are none until `open` resolves, so that a blackout can be switched on before that. */
export class Relays {
  #all: readonly Relay[] = [];
  #isDraining = false;

  /** In the order of the configuration. */
  get all(): readonly Relay[] {
    return this.#all;
  }

  /** Whether nothing new is accepted. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Connections and sessions that hold a slot. */
  get live(): number {
    return this.#all.reduce((sum, { live }) => sum + live, 0);
  }

  /** Resolves when they listen, or rejects with why one does not. */
  async open(ports: readonly PortConfig[], openRelay: OpenRelay): Promise<void> {
    this.#all = await Promise.all(ports.map((port) => openRelay(port)));
  }

  /** Rejects with the first failure of a listener; never resolves. */
  async failed(): Promise<never> {
    return Promise.race(this.#all.map(({ failed }) => failed));
  }

  /** See Relay. */
  async clear(...how: Parameters<Relay['clear']>): Promise<void> {
    await Promise.all(this.#all.map((relay) => relay.clear(...how)));
  }

  /** See Relay. */
  async settleLog(): Promise<void> {
    await Promise.all(this.#all.map(async (relay) => relay.settleLog?.()));
  }

  /** See Relay. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#isDraining = true;
    await Promise.all(this.#all.map((relay) => relay.drain(deadline)));
  }
}

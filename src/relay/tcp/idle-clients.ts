import type { Slots } from '../slots.ts';

/** How long a client must have been idle before it gives its slot to one that waits, in ms. */
const MIN_IDLE = 1_000;

interface Client {
  /** Since when it holds a slot without using it, on performance.now()'s clock; Infinity while it does not. */
  readonly idleSince: number;
  /** Ends it for another. */
  yieldSlot: () => void;
}

/**
 * Has the clients of a port that are idle give their slots to those that wait, the longest idle first.
 *
 * A client that has to wait, in whichever thread, wakes one `Atomics.waitAsync` for each port; only then is
 * the longest idle looked for. A list in order of idleness would cost each request.
 */
export class IdleClients {
  readonly #slots: Slots;
  readonly #clients: () => readonly Client[];
  #isWatching = false;

  constructor(slots: Slots, clients: () => readonly Client[]) {
    this.#slots = slots;
    this.#clients = clients;
  }

  /** To be called when a client has become idle. As long as there are such, it waits for a client, in whichever thread, that has to wait. */
  watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const waiter = this.#slots.nextWaiter();
    if (waiter === null) this.#yieldOne();
    else void waiter.then(() => this.#yieldOne());
  }

  #yieldOne(): void {
    this.#isWatching = false;
    const oldest = this.#oldest();
    if (oldest === null) return;
    const left = oldest.idleSince + MIN_IDLE - performance.now();
    if (left > 0) {
      this.#isWatching = true;
      setTimeout(() => this.#yieldOne(), left);
    } else if (this.#slots.tryBeginYield()) {
      oldest.yieldSlot();
      this.#isWatching = true;
      setImmediate(() => this.#yieldOne());
    } else {
      this.watch();
    }
  }

  /** Looked for when it is needed: to keep a list in order would cost each request. */
  #oldest(): Client | null {
    let oldest: Client | null = null;
    for (const client of this.#clients())
      if (client.idleSince < (oldest?.idleSince ?? Infinity)) oldest = client;
    return oldest;
  }
}

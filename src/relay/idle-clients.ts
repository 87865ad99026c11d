import type { Slots } from './slots.ts';

/** How long a client must have been idle before it gives its slot to one that waits, in ms. */
const MIN_IDLE = 1_000;

/** A client that holds a slot without using it. */
export interface IdleClient {
  /** Its neighbours among the idle, and since when it is one of them, on performance.now()'s clock. */
  newer: IdleClient | null;
  older: IdleClient | null;
  idleSince: number;
  /** Ends it for another. */
  yieldSlot: () => void;
}

/** The idle clients of one port, as a list, since the one that has been idle longest yields first when another client waits for a slot. */
export class IdleClients {
  readonly #slots: Slots;
  #oldest: IdleClient | null = null;
  #newest: IdleClient | null = null;
  /** Whether it waits for a client that waits, or for one that has been idle for long enough. */
  #isWatching = false;

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  add(client: IdleClient): void {
    client.idleSince = performance.now();
    client.older = this.#newest;
    client.newer = null;
    if (this.#newest === null) this.#oldest = client;
    else this.#newest.newer = client;
    this.#newest = client;
    this.#watch();
  }

  delete(client: IdleClient): void {
    if (client.older === null) this.#oldest = client.newer;
    else client.older.newer = client.newer;
    if (client.newer === null) this.#newest = client.older;
    else client.newer.older = client.older;
    client.older = client.newer = null;
  }

  /** Watches for clients that have to wait, in whichever thread, while there are idle ones. */
  #watch(): void {
    if (this.#isWatching || this.#oldest === null) return;
    const waiter = this.#slots.nextWaiter();
    if (waiter === null) return this.#yieldLater(this.#oldest);
    this.#isWatching = true;
    void waiter.then(() => {
      this.#isWatching = false;
      this.#watch();
    });
  }

  #yieldLater({ idleSince }: IdleClient): void {
    this.#isWatching = true;
    const left = idleSince + MIN_IDLE - performance.now();
    setTimeout(() => this.#yieldOne(), Math.max(0, left));
  }

  #yieldOne(): void {
    this.#isWatching = false;
    const oldest = this.#oldest;
    const isDue = oldest !== null && performance.now() >= oldest.idleSince + MIN_IDLE;
    if (isDue && this.#slots.tryBeginYield()) {
      this.delete(oldest);
      oldest.yieldSlot();
    }
    this.#watch();
  }
}

import { setTimeout as delay } from 'node:timers/promises';

import type { Slots } from '../relay/slots.ts';

interface Options {
  /** Of the port, which the relay has as well. */
  readonly slots: Slots;
  /** Whether there is anything that the kernel could take. */
  readonly hasLanes: () => boolean;
  /** Has the kernel take new flows of the port from now on, or none. Resolves when it does so; never rejects. */
  readonly onSwitch: (isOpen: boolean) => Promise<void>;
  /** How many flows of the port live. Never rejects. */
  readonly live: () => Promise<number>;
  /** Tells of ends of flows, until what it returns is called. */
  readonly watchEnds: (onEnd: () => void) => () => void;
}

/** Of all slots of a port, the relay keeps one in so many for those whom the kernel does not take. */
const KEPT = 10;
/** No more are held for the kernel. */
const MOST = 1_000_000;
/** How often it is looked at flows while somebody waits for one to end, at most and at least, in ms. */
const PAUSE = { least: 50, most: 1_000 };

/** How many of so many slots of a port the kernel's flows may have. */
export function shareOf(size: number): number {
  return size === Infinity ? Infinity : Math.min(MOST, size - Math.ceil(size / KEPT));
}

/**
 * The slots of a port that flows of the kernel may have. The kernel counts those by itself, so their slots are held all the time, used or not. But where
 * somebody waits for a slot the kernel takes no new flows: what is not used goes to others at once, and the rest as flows end. The kernel is open again when
 * nobody waits and it can have all its slots. Whom the relay serves beyond its own part takes room of the kernel's for as long: the sum may be less than the
 * limit, and never more.
 */
export class LaneShare {
  /** How many flows the kernel may have; Infinity for any number. */
  readonly size: number;
  readonly #options: Options;
  #held = 0;
  #changed = Promise.withResolvers<void>();

  constructor(options: Options) {
    this.size = shareOf(options.slots.size);
    this.#options = options;
  }

  /** How many slots are held for flows of the kernel. */
  get held(): number {
    return this.#held;
  }

  /** To be called when there may be lanes now, or none any more. */
  notice(): void {
    this.#changed.resolve();
  }

  /** Shares until the signal aborts; then resolves when all is given back. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.notice());
    const mayOpen = () => !signal.aborted && this.size > 0 && this.#options.hasLanes();
    while (!signal.aborted) {
      if (mayOpen() && this.#tryTakeAll()) {
        await this.#options.onSwitch(true);
        while (mayOpen() && this.#isAlone()) await this.#nextWaiterOrChange();
        await this.#options.onSwitch(false);
      }
      await this.#giveToOthers(mayOpen, signal);
    }
    this.#release(this.#held);
  }

  #tryTakeAll(): boolean {
    if (this.size === Infinity) return true;
    const missing = this.size - this.#held;
    if (!this.#options.slots.tryTake(missing)) return false;
    this.#held += missing;
    return true;
  }

  /** Whether nobody waits for a slot who has none coming. */
  #isAlone(): boolean {
    return this.size === Infinity || this.#options.slots.nextWaiter() !== null;
  }

  async #nextWaiterOrChange(): Promise<void> {
    const waits = this.size === Infinity ? null : this.#options.slots.nextWaiter();
    this.#changed = Promise.withResolvers();
    await Promise.race([this.#changed.promise, ...(waits === null ? [] : [waits])]);
  }

  /** Resolves when the kernel may be open again, and could have all its slots. */
  async #giveToOthers(mayOpen: () => boolean, signal: AbortSignal): Promise<void> {
    const { slots, live, watchEnds } = this.#options;
    const stop = this.#held > 0 ? watchEnds(() => this.notice()) : () => {};
    try {
      while (!signal.aborted) {
        this.#changed = Promise.withResolvers();
        if (this.#held > 0) this.#release(this.#held - (await live()));
        const isFree = slots.waiting === 0 && slots.size - slots.held >= this.size - this.#held;
        if (mayOpen() && (isFree || this.size === Infinity)) return;
        // With nothing to give, and nothing to take, nothing changes by itself.
        const isIdle = this.#held === 0 && !mayOpen();
        const pause = isIdle ? [] : [delay(PAUSE.most, undefined, { ref: false })];
        await Promise.race([this.#changed.promise, ...pause]);
        await delay(PAUSE.least, undefined, { ref: false });
      }
    } finally {
      stop();
    }
  }

  #release(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#held--;
      this.#options.slots.release();
    }
  }
}

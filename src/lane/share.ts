import { setTimeout as delay } from 'node:timers/promises';

import type { Slots } from '../relay/slots.ts';

interface Options {
  /** Of the port, which the relay has as well. */
  readonly slots: Slots;
  /** Whether there is anything that the kernel could take. */
  readonly hasLanes: () => boolean;
  /** Has the kernel take new flows of the port from now on, up to so many that live, or none for 0. Resolves when it does so; never rejects. */
  readonly onLimit: (limit: number) => Promise<void>;
  /** How many flows of the port live, as seen from now on; null where that is not known, or the kernel may take more than it was told. Never rejects. */
  readonly live: () => Promise<number | null>;
  /** Tells of ends of flows, until what it returns is called. */
  readonly watchEnds: (onEnd: () => void) => () => void;
}

/** No more are held for the kernel. */
const MOST = 1_000_000;
/** Between two looks at flows and slots, while the kernel has fewer than it could have: at least and at most, in ms. */
const PAUSE = { least: 50, most: 1_000 };
/** One in so many slots is always the relay's, and has to be free where the kernel begins with less than it could have. */
const KEPT = 10;

/** How many of so many slots of a port the kernel's flows may have, the most first. */
export function limitsOf(size: number): readonly number[] {
  if (size === Infinity) return [Infinity];
  const limits = [size - Math.ceil(size / KEPT), Math.floor(size / 2), Math.floor(size / 5)];
  return [...new Set(limits.map((limit) => Math.min(MOST, limit)))].filter((limit) => limit > 0);
}

/**
 * The slots of a port that flows of the kernel may have. The kernel counts those by itself, so their slots are held all the time, used or not. But where
 * somebody waits for a slot the kernel takes no new flows: what is not used goes to others at once, and the rest as flows end. The kernel is open again when
 * nobody waits, with the most that it can have: whom the relay serves takes room of the kernel's for as long. The sum may be less than the limit, as
 * whom the kernel turns away may count there, too, for as long as the relay has him (`FULL_FOR` of ruleset.ts). It is never more.
 */
export class LaneShare {
  readonly #options: Options;
  readonly #limits: readonly number[];
  #held = 0;
  #isWatching = false;
  #changed = Promise.withResolvers<void>();

  constructor(options: Options) {
    this.#options = options;
    this.#limits = limitsOf(options.slots.size);
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
    const mayOpen = () => !signal.aborted && this.#limits.length > 0 && this.#options.hasLanes();
    while (!signal.aborted) {
      await this.#giveToOthers(mayOpen, signal);
      await this.#open(mayOpen);
    }
    this.#release(this.#held);
  }

  /** Resolves when the kernel takes nothing new any more: at once where it can have nothing. */
  async #open(mayOpen: () => boolean): Promise<void> {
    const { onLimit } = this.#options;
    const [most = 0] = this.#limits;
    let limit = 0;
    for (;;) {
      const changed = this.#nextChange();
      const next = mayOpen() && this.#isAlone() ? this.#raise(limit) : 0;
      if (next === 0) break;
      if (next > limit) await onLimit((limit = next));
      await Promise.race([changed, ...(limit < most ? [pause(PAUSE.most)] : [])]);
    }
    if (limit > 0) await onLimit(0);
  }

  /** Has slots held for the highest limit above this one that there are enough for. Returns it; this one where there is none. */
  #raise(limit: number): number {
    const higher = this.#limits.find((each) => each > limit && this.#tryTake(each));
    return higher ?? limit;
  }

  #tryTake(limit: number): boolean {
    const { slots } = this.#options;
    if (limit === Infinity) return true;
    const missing = limit - this.#held;
    const kept = limit === this.#limits[0] ? 0 : Math.ceil(slots.size / KEPT);
    if (missing < 0 || !slots.tryTake(missing, kept)) return false;
    this.#held = limit;
    return true;
  }

  /** Whether nobody waits for a slot who has none coming. If so, it is noticed when another comes to wait. */
  #isAlone(): boolean {
    const { slots } = this.#options;
    const waiter = this.#isWatching ? null : slots.nextWaiter();
    if (waiter !== null) {
      this.#isWatching = true;
      void waiter.then(() => {
        this.#isWatching = false;
        this.notice();
      });
    }
    return this.#isWatching && !slots.areShort;
  }

  /** Resolves when something is noticed from now on. */
  #nextChange(): Promise<void> {
    this.#changed = Promise.withResolvers();
    return this.#changed.promise;
  }

  /** Resolves when the kernel may be open again, and has slots. */
  async #giveToOthers(mayOpen: () => boolean, signal: AbortSignal): Promise<void> {
    const { live, watchEnds } = this.#options;
    const stop = this.#held > 0 ? watchEnds(() => this.notice()) : () => {};
    try {
      while (!signal.aborted) {
        const changed = this.#nextChange();
        if (this.#held > 0) this.#release(this.#held - ((await live()) ?? this.#held));
        if (mayOpen() && this.#raise(0) > 0) return;
        // With nothing to give, and nothing to take, nothing changes by itself.
        const isIdle = this.#held === 0 && !mayOpen();
        await Promise.race([changed, ...(isIdle ? [] : [pause(PAUSE.most)])]);
        await pause(PAUSE.least);
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

async function pause(ms: number): Promise<void> {
  await delay(ms, undefined, { ref: false });
}

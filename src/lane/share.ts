import { setTimeout as delay } from 'node:timers/promises';

import type { Slots } from '../relay/slots.ts';
import { MAX_PARTS } from './ruleset.ts';

interface Options {
  /** Of the port, which the relay has as well. */
  readonly slots: Slots;
  /** Whether there is anything that the kernel could take. */
  readonly hasLanes: () => boolean;
  /** Has the kernel take new flows of the port up to so many that live, as many in each part, or none. Resolves when it does so; never rejects. */
  readonly onLimit: (limit: number) => Promise<void>;
  /**
   * The parts that the live flows of the port are counted with, one for each, as seen from now on; null where that is not known, or the kernel may take more
   * than it was told. Never rejects.
   */
  readonly live: () => Promise<readonly number[] | null>;
  /** Tells of ends of flows, until what it returns is called. */
  readonly watchEnds: (onEnd: () => void) => () => void;
}

/** No more are held for the kernel. */
const MOST = 1_000_000;
/** Between two looks at flows and slots, while the kernel has fewer than it could have: at least and at most, in ms. */
const PAUSE = { least: 50, most: 1_000 };
/** The kernel counts the flows of a port in a part for each so many slots, of 4,000 at a time it would take milliseconds for each new one. */
const SLOTS_OF_PART = 100;
/** One in so many slots is always the relay's, and has to be free where the kernel begins with less than it could have. */
const KEPT = 10;

/** In how many parts the kernel counts the flows of a port of so many slots. */
export function partsOf(size: number): number {
  return size === Infinity ? 1 : Math.min(MAX_PARTS, Math.ceil(size / SLOTS_OF_PART));
}

/** How many of so many slots of a port the kernel's flows may have, the most first: each as many in each part. */
export function limitsOf(size: number): readonly number[] {
  if (size === Infinity) return [Infinity];
  const parts = partsOf(size);
  const limits = [size - Math.ceil(size / KEPT), size / 2, size / 5].map(
    (limit) => parts * Math.floor(Math.min(MOST, limit) / parts),
  );
  return [...new Set(limits)].filter((limit) => limit > 0);
}

/**
 * The slots of a port that flows of the kernel may have. The kernel counts those by itself, so their slots are held all the time, used or not. But where
 * somebody waits for a slot the kernel takes no new flows: what is not used goes to others at once, and the rest as flows end. The kernel is open again when
 * nobody waits, with the most that it can have: whom the relay serves takes room of the kernel's for as long. The sum may be less than the limit, as
 * whom the kernel turns away may count there, too, for as long as the relay has him (`FLOOD` of ruleset.ts). It is never more.
 */
export class LaneShare {
  readonly #options: Options;
  readonly #limits: readonly number[];
  readonly #parts: number;
  #held = 0;
  /** Live flows by part, as they were seen when the kernel took nothing new; null where they have not been. */
  #live: readonly number[] | null = null;
  #isWatching = false;
  #changed = Promise.withResolvers<void>();

  constructor(options: Options) {
    this.#options = options;
    this.#limits = limitsOf(options.slots.size);
    this.#parts = partsOf(options.slots.size);
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
    while (!signal.aborted) await this.#open(await this.#giveToOthers(mayOpen, signal), mayOpen);
    this.#release(this.#held);
  }

  /** Has the kernel take up to so many, and more when it can. Resolves when it takes nothing new any more: at once where it can have nothing. */
  async #open(first: number, mayOpen: () => boolean): Promise<void> {
    const { onLimit } = this.#options;
    const [most = 0] = this.#limits;
    let told = 0;
    for (let limit = first; limit > 0;) {
      const changed = this.#nextChange();
      if (!mayOpen() || !this.#isAlone()) break;
      limit = this.#raise(limit);
      if (limit > told) await onLimit((told = limit));
      await Promise.race([changed, ...(limit < most ? [pause(PAUSE.most)] : [])]);
    }
    if (told > 0) await onLimit(0);
  }

  /** Has slots held for the highest limit above this one that there are enough for. Returns it; this one where there is none. */
  #raise(limit: number): number {
    const higher = this.#limits.find((each) => each > limit && this.#tryTake(each));
    return higher ?? limit;
  }

  #tryTake(limit: number): boolean {
    const { slots } = this.#options;
    if (limit === Infinity) return true;
    const live = this.#live;
    if (live === null) return false;
    // A part may have more already than it would come to have; those beyond are another door's, of before.
    const most = limit / this.#parts;
    const reached = sum(live.map((count, part) => (part < this.#parts ? Math.max(most, count) : count)));
    const missing = reached - this.#held;
    const kept = limit === this.#limits[0] ? 0 : Math.ceil(slots.size / KEPT);
    if (reached === sum(live) || missing < 0 || !slots.tryTake(missing, kept)) return false;
    this.#held += missing;
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

  /** Resolves with the limit that slots are held for, when the kernel may be open again; with 0 once the signal aborts. */
  async #giveToOthers(mayOpen: () => boolean, signal: AbortSignal): Promise<number> {
    const { watchEnds } = this.#options;
    const stop = this.#held > 0 ? watchEnds(() => this.notice()) : () => {};
    try {
      while (!signal.aborted) {
        const changed = this.#nextChange();
        if (this.#held > 0 || this.#live === null) await this.#releaseUnused();
        const limit = mayOpen() ? this.#raise(0) : 0;
        if (limit > 0) return limit;
        // With nothing to give, and nothing to take, nothing changes by itself.
        const isIdle = this.#held === 0 && !mayOpen();
        await Promise.race([changed, ...(isIdle ? [] : [pause(PAUSE.most)])]);
        await pause(PAUSE.least);
      }
      return 0;
    } finally {
      stop();
    }
  }

  /** All are in use as far as is not known. */
  async #releaseUnused(): Promise<void> {
    const live = await this.#options.live();
    if (live === null) return;
    this.#live = countParts(live);
    this.#release(this.#held - live.length);
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

/** How many are of each part there may be. */
function countParts(flows: readonly number[]): readonly number[] {
  const counts = Array.from({ length: MAX_PARTS }, () => 0);
  for (const part of flows) counts[part] = (counts[part] ?? 0) + 1;
  return counts;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

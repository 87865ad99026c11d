import { type Waiter, WaitingLine } from './waiting-line.ts';

/** Indexes of the cells that all holders of one limit share, in whichever thread. */
const HELD = 0;
const WAITING = 1;
/** Changes whenever a slot becomes free: what waits sleeps on it. */
const WAKES = 2;
/** How many holders are about to give their slot to one that waits. */
const YIELDING = 3;
const CELLS = 4;

/** What the threads that share one limit have in common. */
export type SlotCells = Int32Array<SharedArrayBuffer>;

/** Cells for a limit of which nothing is held. */
export function newSlotCells(): SlotCells {
  return new Int32Array(new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT));
}

/** At most `size` holders at a time, over all threads that share the cells; who comes later waits in line, one for each thread. */
export class Slots {
  /** Infinity for no limit. */
  readonly size: number;
  readonly #cells: SlotCells;
  /** Of this thread. */
  readonly #line = new WaitingLine();
  #isSleeping = false;

  constructor(size: number, cells = newSlotCells()) {
    this.size = size;
    this.#cells = cells;
  }

  get held(): number {
    return Atomics.load(this.#cells, HELD);
  }

  get waiting(): number {
    return Atomics.load(this.#cells, WAITING);
  }

  /** Whether so many slots are free, with `beside` more, and nobody waits; they are then held, until the holder calls `release` for each. */
  tryTake(count = 1, beside = 0): boolean {
    return this.waiting === 0 && this.#tryHold(count, beside);
  }

  /** Resolves when a slot is held; the holder calls `release` once. Rejects with the signal's reason, and the turn in the line is given up. */
  async take(source: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.tryTake()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      this.#line.leave(waiter);
      Atomics.sub(this.#cells, WAITING, 1);
      reject(signal.reason);
    };
    const onTurn = () => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    const waiter: Waiter = { source, onTurn, previous: null, next: null };
    signal.addEventListener('abort', leave);
    this.#line.join(waiter);
    Atomics.add(this.#cells, WAITING, 1);
    Atomics.notify(this.#cells, WAITING);
    this.#serve();
    return promise;
  }

  /** Frees the slot, for the one that waits longest; `isYielded`: as `tryBeginYield` has announced. */
  release({ isYielded = false } = {}): void {
    if (isYielded) Atomics.sub(this.#cells, YIELDING, 1);
    Atomics.sub(this.#cells, HELD, 1);
    this.#wakeOne();
  }

  /** Announces that a slot will be released for one that waits, in any thread; not where all who wait have one coming. */
  tryBeginYield(): boolean {
    for (;;) {
      const yielding = Atomics.load(this.#cells, YIELDING);
      if (this.#areProvided(yielding)) return false;
      if (Atomics.compareExchange(this.#cells, YIELDING, yielding, yielding + 1) === yielding) return true;
    }
  }

  /** Whether one waits who has no slot coming. */
  get areShort(): boolean {
    return !this.#areProvided(Atomics.load(this.#cells, YIELDING));
  }

  /** Null where they are short; else resolves when another comes to wait. */
  nextWaiter(): Promise<unknown> | null {
    const { waiting } = this;
    if (this.areShort) return null;
    const { async: sleeps, value } = Atomics.waitAsync(this.#cells, WAITING, waiting);
    return sleeps ? value : Promise.resolve();
  }

  /** Whether there is a slot for each one that waits: announced, or free already, as who waits for it takes a turn to wake. */
  #areProvided(yielding: number): boolean {
    return this.waiting <= yielding + Math.max(0, this.size - this.held);
  }

  #tryHold(count = 1, beside = 0): boolean {
    for (let held = this.held; held + count + beside <= this.size; held = this.held) {
      if (Atomics.compareExchange(this.#cells, HELD, held, held + count) === held) return true;
    }
    return false;
  }

  /** Gives free slots to those who wait in this thread; while there are none, one sleeper stands for all of them. */
  #serve(): void {
    while (!this.#isSleeping && !this.#line.isEmpty) {
      const wakes = Atomics.load(this.#cells, WAKES);
      if (this.#tryHold()) {
        Atomics.sub(this.#cells, WAITING, 1);
        this.#line.next()?.onTurn();
        continue;
      }
      // Those who sleep are woken in the order in which they went to sleep (ECMA-262, WaiterList), so that threads take turns.
      const { async: sleeps, value: woken } = Atomics.waitAsync(this.#cells, WAKES, wakes);
      if (!sleeps) continue;
      this.#isSleeping = true;
      void woken.then(() => this.#wake());
    }
  }

  #wake(): void {
    this.#isSleeping = false;
    // Whoever it slept for may have left: then it is another thread's turn.
    if (this.#line.isEmpty) this.#wakeOne();
    else this.#serve();
  }

  #wakeOne(): void {
    Atomics.add(this.#cells, WAKES, 1);
    Atomics.notify(this.#cells, WAKES, 1);
  }
}

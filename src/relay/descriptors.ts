import { readdirSync, readFileSync } from 'node:fs';

/** What a client takes: its own, and one for its target. */
const PAIR = 2;
/** Of all, so many are kept for whatever else has to be opened (DNS, control socket, healthchecks), and at most so many. */
const RESERVED = 1 / 8;
const MAX_RESERVED = 32;
/** How old a count must be before another one is made, in ms, and in times of how long it took: some 1 ms for 1,000 open ones. */
const MIN_AGE = 10;
const MIN_AGE_TIMES = 20;

/**
 * The file descriptors that clients may still take. Who is accepted with the last ones could not be connected to anybody: so one more is promised
 * to each client, for its target, and without that clients wait in the kernel's backlog.
 *
 * They are counted when those that the last count left have been promised away. A dial that tries a second
 * address beside a slow one takes another, if one is left. Over streams libuv accepts at once, and closes
 * the clients that it has no descriptor for.
 */
export class Descriptors {
  /** Since the last count; what has been given back is found by the next one. */
  #left = 0;
  #promised = 0;
  #mayCountAt = -Infinity;
  #limit = 0;
  readonly #threads: number;

  /** For one of so many threads of the process, which share what is left. */
  constructor(threads: number) {
    this.#threads = threads;
  }

  /** How many the process may have open (RLIMIT_NOFILE of getrlimit(2)), when they were counted last. */
  get limit(): number {
    return this.#limit;
  }

  /** Whether there are some for another client; counts them where that is due. */
  areLeft(): boolean {
    if (this.#left < PAIR && performance.now() >= this.#mayCountAt) this.#count();
    return this.#left >= PAIR;
  }

  /** To be called when a client has been accepted: there will be one for its target. */
  promise(): void {
    this.#left -= PAIR;
    this.#promised++;
  }

  /** Takes one more than was promised, where one is left. */
  tryTake(): boolean {
    const areLeft = this.areLeft();
    if (areLeft) this.#left--;
    return areLeft;
  }

  /** To be called when the promise has been kept, or is not needed any more. */
  keep(): void {
    this.#promised--;
  }

  #count(): void {
    const startedAt = performance.now();
    this.#limit = readLimit();
    const reserved = Math.min(MAX_RESERVED, Math.ceil(this.#limit * RESERVED));
    this.#left = (this.#limit - countOpen() - reserved) / this.#threads - this.#promised;
    const now = performance.now();
    this.#mayCountAt = now + Math.max(MIN_AGE, (now - startedAt) * MIN_AGE_TIMES);
  }
}

/** The soft limit, which can be changed from outside (prlimit(2)). */
function readLimit(): number {
  const [, limit = ''] = /^Max open files +(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
  return limit === 'unlimited' ? Infinity : Number(limit);
}

/** Of the process, all its threads; one of them is for reading the list. */
function countOpen(): number {
  return readdirSync('/proc/self/fd').length - 1;
}

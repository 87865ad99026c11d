/** At most `size` holders at a time; who comes later waits, first come first served. */
export class Slots {
  readonly #size: number;
  readonly #waiting = new Set<() => void>();
  #held = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get held(): number {
    return this.#held;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether a slot is free; it is then held, until the holder calls `release`. */
  tryTake(): boolean {
    if (this.#held >= this.#size) return false;
    this.#held++;
    return true;
  }

  /** Resolves when a slot is held; the holder calls `release` once. Rejects with the signal's reason, and the place in the queue is given up. */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.tryTake()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      this.#waiting.delete(resolve);
      reject(signal.reason);
    };
    this.#waiting.add(resolve);
    signal.addEventListener('abort', leave);
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** Hands the slot to the one that waits longest, or frees it. */
  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#held--;
    } else {
      this.#waiting.delete(next);
      next();
    }
  }
}

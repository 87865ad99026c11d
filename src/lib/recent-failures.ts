/** How long what has failed goes last, in ms. */
const PENALTY = 30_000;

/** Knows what has failed lately, so that it is tried last. Takes no timer. */
export class RecentFailures<T> {
  readonly #failedAt = new Map<unknown, number>();
  readonly #keyOf: (item: T) => unknown;
  readonly #penalty: number;

  /** Items of one key are the same item. `penalty` is in ms. */
  constructor(keyOf: (item: T) => unknown, penalty = PENALTY) {
    this.#keyOf = keyOf;
    this.#penalty = penalty;
  }

  /** To be told of each failure. */
  add(item: T): void {
    for (const key of this.#failedAt.keys()) if (!this.#isRecent(key)) this.#failedAt.delete(key);
    this.#failedAt.set(this.#keyOf(item), performance.now());
  }

  /** To be told of each success, which ends the penalty. */
  delete(item: T): void {
    this.#failedAt.delete(this.#keyOf(item));
  }

  has(item: T): boolean {
    return this.#isRecent(this.#keyOf(item));
  }

  /** Those that have not failed lately, and those that have; each in the order given. */
  split(items: readonly T[]): readonly [fresh: readonly T[], failed: readonly T[]] {
    // Asked once of each: time goes on meanwhile.
    const failed = new Set(items.filter((item) => this.has(item)));
    return [items.filter((item) => !failed.has(item)), [...failed]];
  }

  #isRecent(key: unknown): boolean {
    return (this.#failedAt.get(key) ?? -Infinity) > performance.now() - this.#penalty;
  }
}

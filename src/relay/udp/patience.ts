/** A client that pauses for so many times the least patience does not wait for an answer: it keeps its way open, for one. */
const PAUSE = 2;
/** An answer that takes so many times as long as any before is not late yet. */
const LENIENCE = 2;

/**
 * Tells when a client that goes on sending has been unanswered for too long. All times are
 * `performance.now()`'s.
 *
 * Silence is noticed when the client sends again: there is no timer, and a datagram costs one comparison.
 * What speaks against it is a pause of more than 10 s (a keep-alive that wants no answer), answers that took
 * longer before, and an answer to any other session meanwhile, as the fault is then the datagram's.
 */
export class Patience {
  readonly #least: number;
  #owedSince: number | null = null;
  #lastAskedAt = -Infinity;
  /** Of the time that is waited now. */
  #beginsAt = 0;
  #endsAt = 0;
  #longestWait = 0;

  /** `least`: for how long an answer may be owed at least, in ms; longer where answers have taken longer. */
  constructor(least: number) {
    this.#least = least;
  }

  /** When the client sent what it has no answer to; null when it has one. */
  get owedSince(): number | null {
    return this.#owedSince;
  }

  /** To be called when the client has sent something: since when it has been unanswered if that is too long, told once in each such time; else null. */
  ask(now: number): number | null {
    const isNew = this.#owedSince === null || now - this.#lastAskedAt > PAUSE * this.#least;
    this.#lastAskedAt = now;
    if (isNew) this.#owedSince = now;
    else if (now < this.#endsAt) return null;
    const since = isNew ? null : this.#beginsAt;
    this.#beginsAt = now;
    this.#endsAt = now + Math.max(this.#least, LENIENCE * this.#longestWait);
    return since;
  }

  /** To be called when the target has sent something. */
  answer(now: number): void {
    if (this.#owedSince !== null) this.#longestWait = Math.max(this.#longestWait, now - this.#owedSince);
    this.#owedSince = null;
  }
}

import type { Counters } from './counters.ts';

/** Counts the bytes of one connection to a target as they move, for itself and for its port. */
export class Meter {
  /** To and from the target. */
  sent = 0;
  received = 0;
  readonly #counters: Counters;

  constructor(counters: Counters) {
    this.#counters = counters;
  }

  addSent(bytes: number): void {
    this.sent += bytes;
    this.#counters.sent(bytes);
  }

  addReceived(bytes: number): void {
    this.received += bytes;
    this.#counters.received(bytes);
  }
}

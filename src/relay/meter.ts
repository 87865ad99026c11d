import type { Counters } from './counters.ts';
import type { NameCounters } from './name-counters.ts';

/** Counts the bytes of one connection to a target as they move, for itself, for its port and for the target's name. */
export class Meter {
  /** To and from the target. */
  sent = 0;
  received = 0;
  readonly #counters: Counters;
  readonly #byName: NameCounters;

  constructor(counters: Counters, byName: NameCounters) {
    this.#counters = counters;
    this.#byName = byName;
  }

  addSent(bytes: number): void {
    this.sent += bytes;
    this.#counters.sent(bytes);
    this.#byName.sent(bytes);
  }

  addReceived(bytes: number): void {
    this.received += bytes;
    this.#counters.received(bytes);
    this.#byName.received(bytes);
  }
}

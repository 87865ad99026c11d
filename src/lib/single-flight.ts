import { abortable } from './abortable.ts';

interface Flight<T> {
  readonly outcome: Promise<T>;
  readonly over: AbortController;
  waiting: number;
}

const LANDED = new Error('it is over');

/** Runs something once at a time for each key. */
export class SingleFlight<K, T> {
  readonly #run: (key: K, signal: AbortSignal) => Promise<T>;
  readonly #flights = new Map<K, Flight<T>>();

  /** The signal that `run` gets aborts when nobody waits any more, with the reason of the last who left, or when it is cut. */
  constructor(run: (key: K, signal: AbortSignal) => Promise<T>) {
    this.#run = run;
  }

  /** Joins the flight of a key, or begins one. Rejects with the own signal's reason if that comes first. */
  async join(key: K, waiting: AbortSignal): Promise<T> {
    waiting.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#depart(key);
    flight.waiting++;
    try {
      return await abortable(flight.outcome, waiting);
    } finally {
      flight.waiting--;
      if (flight.waiting === 0) {
        this.#leave(key, flight);
        flight.over.abort(waiting.aborted ? waiting.reason : LANDED);
      }
    }
  }

  /** Aborts what is under way for a key, for all who wait. */
  cut(key: K, reason: Error): void {
    const flight = this.#flights.get(key);
    this.#flights.delete(key);
    flight?.over.abort(reason);
  }

  #depart(key: K): Flight<T> {
    const over = new AbortController();
    const outcome = this.#run(key, over.signal).finally(() => this.#leave(key, flight));
    const flight: Flight<T> = { outcome, over, waiting: 0 };
    this.#flights.set(key, flight);
    return flight;
  }

  /** Nobody can join it any more. */
  #leave(key: K, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}

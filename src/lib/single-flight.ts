import { abortable } from './abortable.ts';

interface Flight<T> {
  readonly outcome: Promise<T>;
  readonly over: AbortController;
  waiting: number;
}

const LANDED = new Error('it is over');

/**
 * Runs `run` once at a time for each key: who calls meanwhile joins in, and rejects with its own signal's reason if that comes first. When nobody waits any
 * more, the signal that `run` has got aborts with the reason of the last who left; with `closing` it aborts for all.
 */
export function singleFlight<K, T>(
  run: (key: K, signal: AbortSignal) => Promise<T>,
  closing?: AbortSignal,
): (key: K, waiting: AbortSignal) => Promise<T> {
  const flights = new Map<K, Flight<T>>();

  function depart(key: K): Flight<T> {
    const over = new AbortController();
    const close = () => over.abort(closing?.reason);
    if (closing?.aborted === true) close();
    closing?.addEventListener('abort', close);
    const outcome = run(key, over.signal).finally(() => {
      closing?.removeEventListener('abort', close);
      leave(key, flight);
    });
    const flight: Flight<T> = { outcome, over, waiting: 0 };
    flights.set(key, flight);
    return flight;
  }

  /** Nobody can join it any more. */
  function leave(key: K, flight: Flight<T>): void {
    if (flights.get(key) === flight) flights.delete(key);
  }

  return async (key, waiting) => {
    waiting.throwIfAborted();
    const flight = flights.get(key) ?? depart(key);
    flight.waiting++;
    try {
      return await abortable(flight.outcome, waiting);
    } finally {
      flight.waiting--;
      if (flight.waiting === 0) {
        leave(key, flight);
        flight.over.abort(waiting.aborted ? waiting.reason : LANDED);
      }
    }
  };
}

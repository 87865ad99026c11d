import { type Listed, Roster } from './roster.ts';

/** One that waits for a promise. */
interface Waiter extends Listed {
  readonly resolve: (value: never) => void;
  readonly reject: (reason: unknown) => void;
}

/** Of each promise that is waited for: a promise itself lets nobody leave, and would keep all who ever waited until it settles. */
const waiting = new WeakMap<Promise<unknown>, Roster<Waiter>>();

/**
 * The promise's outcome, or a rejection with the signal's reason if that comes first; the work behind the promise goes on. Any number may wait for one
 * promise, however long it takes: who has left leaves nothing behind.
 *
 * Promise.race would keep each of its callers until the promise settles, which a silent nameserver can put
 * off for long.
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: outcome, resolve, reject } = Promise.withResolvers<T>();
  const waiters = waitersFor(promise);
  const waiter: Waiter = { resolve, reject, index: -1 };
  const leave = () => {
    waiters.delete(waiter);
    reject(signal.reason);
  };
  waiters.add(waiter);
  if (signal.aborted) leave();
  signal.addEventListener('abort', leave);
  try {
    return await outcome;
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

function waitersFor(promise: Promise<unknown>): Roster<Waiter> {
  const known = waiting.get(promise);
  if (known !== undefined) return known;
  const waiters = new Roster<Waiter>();
  waiting.set(promise, waiters);
  const leaving = () => {
    waiting.delete(promise); // who comes later waits anew
    return waiters.clear();
  };
  promise.then(
    (value) => leaving().forEach(({ resolve }) => resolve(value as never)),
    (reason: unknown) => leaving().forEach(({ reject }) => reject(reason)),
  );
  return waiters;
}

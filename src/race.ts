import { setTimeout as delay } from 'node:timers/promises';

import { messageOf } from './message-of.ts';

interface Options<T, R> {
  /** Head start of each attempt over the next one, in ms; a failure ends it early. */
  readonly headStart: number;
  /** Ends all attempts. */
  readonly signal: AbortSignal;
  /** Told of a candidate that has neither succeeded nor failed within its head start. */
  readonly onSlow: (candidate: T) => void;
  /** Takes a result that came too late to win. */
  readonly discard?: (late: R) => void;
}

const SLOW = Symbol('slow');

/**
 * Tries candidates in order, each with a head start over the next, until one succeeds; the others are aborted then (the way of
 * RFC 8305 §5). Rejects with an AggregateError of all failures in the candidates' order, or with the signal's reason.
 */
export async function race<T, R>(
  candidates: readonly T[],
  attempt: (candidate: T, signal: AbortSignal) => Promise<R>,
  { headStart, signal, onSlow, discard }: Options<T, R>,
): Promise<R> {
  signal.throwIfAborted();
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const { promise: won, resolve: win } = Promise.withResolvers<{ readonly result: R }>();
  let isOver = false;

  const start = async (candidate: T): Promise<unknown> => {
    try {
      const result = await attempt(candidate, either);
      if (isOver) discard?.(result);
      isOver = true;
      win({ result });
      return null;
    } catch (cause) {
      return cause;
    }
  };

  const running: Promise<unknown>[] = [];
  try {
    for (const candidate of candidates) {
      const attempted = start(candidate);
      running.push(attempted);
      if (running.length === candidates.length) break;
      const settled = await Promise.race([won, attempted, delay(headStart, SLOW, { signal: either })]);
      if (settled === SLOW) onSlow(candidate);
      if (isOver) break;
    }
    const outcome = await Promise.race([won, Promise.all(running)]);
    if ('result' in outcome) return outcome.result;
    throw new AggregateError(outcome, outcome.map(messageOf).filter(Boolean).join('; '));
  } catch (cause) {
    signal.throwIfAborted();
    throw cause;
  } finally {
    isOver = true;
    over.abort();
  }
}

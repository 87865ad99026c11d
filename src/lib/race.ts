import { listSome } from './list-some.ts';
import { messageOf } from './message-of.ts';

interface Options<T, R> {
  /** Head start over this candidate of the one before it, in ms; a failure ends it early. */
  readonly headStart: (candidate: T) => number;
  /** Whether an attempt may be made beside those that are under way; asked again, after its head start, where it may not. */
  readonly mayHurry?: () => boolean;
  /** Ends all attempts, which listen to it. */
  readonly signal: AbortSignal;
  /** Told that it is over while attempts are under way, which go on until the signal aborts. */
  readonly onLosers?: () => void;
  /** Told of a candidate that has neither succeeded nor failed within its head start. */
  readonly onSlow: (candidate: T) => void;
  /** Takes a result that came too late to win. */
  readonly discard?: (late: R) => void;
}

/**
 * Tries candidates in order, each with a head start over the next, until one succeeds (the way of RFC 8305 §5). Rejects with an
 * AggregateError of all failures in the candidates' order, whose message lists some of them, or with the signal's reason.
 */
export function race<T, R>(
  candidates: readonly T[],
  attempt: (candidate: T) => Promise<R>,
  { headStart, mayHurry = () => true, signal, onLosers, onSlow, discard }: Options<T, R>,
): Promise<R> {
  const { promise, resolve, reject } = Promise.withResolvers<R>();
  const failures: unknown[] = [];
  let started = 0;
  let pending = 0;
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;

  const finish = () => {
    isOver = true;
    clearTimeout(timer);
    if (pending > 0) onLosers?.();
  };
  const giveUp = () => {
    finish();
    reject(new AggregateError(failures, listSome(failures.map(messageOf).filter(Boolean), '; ')));
  };
  const startNext = () => {
    clearTimeout(timer);
    const index = started++;
    pending++;
    const candidate = candidates[index] as T;
    if (started < candidates.length) {
      const wait = headStart(candidates[started] as T);
      const hurry = () => {
        if (mayHurry()) startNext();
        else timer = setTimeout(hurry, wait);
      };
      const onHeadStartOver = () => {
        onSlow(candidate);
        hurry();
      };
      timer = setTimeout(onHeadStartOver, wait);
    }
    attempt(candidate).then(
      (result) => {
        pending--;
        if (isOver) return discard?.(result);
        finish();
        resolve(result);
      },
      (cause: unknown) => {
        pending--;
        if (isOver) return;
        failures[index] = cause;
        if (signal.aborted) {
          finish();
          reject(signal.reason);
        } else if (started === index + 1 && started < candidates.length) startNext();
        else if (pending === 0 && started === candidates.length) giveUp();
      },
    );
  };

  if (signal.aborted) reject(signal.reason);
  else if (candidates.length === 0) giveUp();
  else startNext();
  return promise;
}

import { setTimeout as delay } from 'node:timers/promises';

import { DeadlineError } from '../lib/deadline.ts';
import { messageOf } from '../lib/message-of.ts';
import { isFinal, ResolveError } from '../lib/resolve-error.ts';

/** The least time from one attempt to the next, in ms. */
const PAUSE = 1_000;

/**
 * Looks a name up until there is an answer, as a nameserver that is down may come back: once a second at most. Rejects with a ResolveError, at once
 * where the answer is definite, else with the last failure when a deadline ends it; or with the signal's reason.
 *
 * Definite are NXDOMAIN, NODATA and no address in scope. They are believed for one second, whatever their
 * negative TTL (RFC 2308 §5): resolvers cache for us, and a name that has just been made should work at once.
 * Where one record type has no record and the other no answer, nothing is definite.
 */
export async function untilAnswered<T>(
  name: string,
  attempt: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  let failure: unknown = null;
  for (;;) {
    const startedAt = performance.now();
    try {
      return await attempt();
    } catch (cause) {
      if (isFinal(cause)) throw cause;
      if (!signal.aborted) failure = cause;
    }
    const pause = startedAt + PAUSE - performance.now();
    if (pause > 0 && !signal.aborted) await delay(pause, undefined, { signal }).catch(() => {});
    if (signal.aborted) throw reasonOf(name, failure, signal);
  }
}

function reasonOf(name: string, failure: unknown, { reason }: AbortSignal): unknown {
  if (!(reason instanceof DeadlineError)) return reason;
  const message = failure === null ? `${name} cannot be resolved: ${reason.message}` : messageOf(failure);
  return new ResolveError(message, { isFinal: false, cause: failure ?? reason });
}

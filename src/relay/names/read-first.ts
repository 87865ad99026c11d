import type { Duplex } from 'node:stream';

import { DeadlineError, withDeadline } from '../../lib/deadline.ts';
import { Refusal } from '../../wire/refusal.ts';
import { EndedError, peek, type Reader } from './peek.ts';

/** How long a client may take to say whom it wants, in ms. */
export const NAME_TIMEOUT = 5_000;

interface Options {
  /** Aborts when the client is gone. */
  readonly gone: AbortSignal;
  /** On performance.now()'s clock. */
  readonly deadline: number;
}

/** The time by which a client must have named somebody. */
export function nameDeadline(): number {
  return performance.now() + NAME_TIMEOUT;
}

/** How long it is until then, in ms. */
export function timeUntil(deadline: number): number {
  return Math.max(0, deadline - performance.now());
}

/** What a client says first; it is still there to be read. Rejects with a Refusal when it takes too long, or ends within it. */
export async function readFirst<T>(
  client: Duplex,
  reader: Reader<T>,
  { gone, deadline }: Options,
): Promise<T> {
  try {
    return await withDeadline({ timeout: timeUntil(deadline), signal: gone }, (either) =>
      peek(client, reader, either),
    );
  } catch (cause) {
    if (cause instanceof DeadlineError) throw new Refusal('silent', `no name within ${NAME_TIMEOUT} ms`);
    if (cause instanceof EndedError && cause.seen.length > 0)
      throw new Refusal('no name', `${cause.message}, without a name`);
    throw cause;
  }
}

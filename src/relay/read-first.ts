import type { Duplex } from 'node:stream';

import { Refusal } from '../wire/refusal.ts';
import { EndedError, peek, type Reader } from './peek.ts';

/** How long a client may take to say whom it wants, in ms. */
const NAME_TIMEOUT = 5_000;

interface Options {
  /** Aborts when the client is gone. */
  readonly gone: AbortSignal;
  readonly deadline: AbortSignal;
}

/** The time by which a client must have named somebody. */
export function nameDeadline(): AbortSignal {
  return AbortSignal.timeout(NAME_TIMEOUT);
}

/** What a client says first; it is still there to be read. Rejects with a Refusal when it takes too long, or ends within it. */
export async function readFirst<T>(
  client: Duplex,
  reader: Reader<T>,
  { gone, deadline }: Options,
): Promise<T> {
  try {
    return await peek(client, reader, AbortSignal.any([gone, deadline]));
  } catch (cause) {
    if (deadline.aborted) throw new Refusal('silent', `no name within ${NAME_TIMEOUT} ms`);
    if (cause instanceof EndedError && cause.seen.length > 0)
      throw new Refusal('no name', `${cause.message}, without a name`);
    throw cause;
  }
}

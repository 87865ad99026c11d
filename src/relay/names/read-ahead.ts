import type { BareSocket } from '../../kernel/bare-socket.ts';
import { EAGAIN } from '../../kernel/kernel.ts';
import { FAILED, HUNG_UP, PEER_ENDED, READABLE } from '../../kernel/poller.ts';
import { DeadlineError } from '../../lib/deadline.ts';
import { EndedError, type Reader } from './peek.ts';

interface Options {
  /** How long to wait for something, in ms; Infinity for as long as it takes. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** Another one, at whose end there is nothing to wait for any more. */
  readonly unless?: BareSocket;
}

const ENDED = PEER_ENDED | HUNG_UP | FAILED;
/** How much is read, in bytes: more than most hellos and heads are long. */
const MOST = 16 * 1024;

/**
 * Has a reader make something of what a bare socket says first, in one piece, which stays `unread`. Null where that cannot be: there is
 * too little of it, or an end; a stream may be more patient. Rejects with what the reader throws, with a DeadlineError, or with an
 * EndedError when it has been reset.
 */
export async function readAhead<T>(
  socket: BareSocket,
  reader: Reader<T>,
  options: Options,
): Promise<T | null> {
  while (socket.unread.length === 0) {
    const count = hears(socket, READABLE | ENDED) ? socket.readAhead(MOST) : -EAGAIN;
    if (count === 0) return null;
    // A stream would not be told of it any more: the error has been used up.
    if (count < 0 && count !== -EAGAIN) throw new EndedError(Buffer.alloc(0));
    if (count > 0) break;
    if (options.signal.aborted || (options.unless !== undefined && hears(options.unless, ENDED))) return null;
    await activity(socket, options);
  }
  try {
    return reader.push(socket.unread);
  } finally {
    reader.free();
  }
}

function hears({ unheard }: BareSocket, events: number): boolean {
  return (unheard & events) !== 0;
}

/**
 * Resolves when a socket has something to say, or there is nothing to wait for any more, or the signal aborts. Rejects with a DeadlineError,
 * or with a system error when it cannot be watched. What happens meanwhile is kept in `unheard`.
 */
function activity(socket: BareSocket, { timeout, signal, unless }: Options): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const watched = unless === undefined ? [socket] : [socket, unless];
  const settle = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', settle);
    for (const each of watched) each.listener = null;
    socket.kernel.poller.settle();
    resolve();
  };
  const onSilence = () => {
    reject(new DeadlineError(timeout));
    settle();
  };
  const timer = timeout === Infinity ? undefined : setTimeout(onSilence, timeout);
  signal.addEventListener('abort', settle);
  try {
    for (const each of watched) {
      const telling = each === socket ? READABLE | ENDED : ENDED;
      const onEvents = (events: number) => {
        each.unheard |= events;
        if ((events & telling) !== 0) settle();
      };
      each.listener = { onEvents };
      each.watch();
    }
  } catch (cause) {
    reject(cause);
    settle();
  }
  if (signal.aborted) settle();
  return promise;
}

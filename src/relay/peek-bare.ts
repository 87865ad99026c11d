import { DeadlineError } from '../deadline.ts';
import type { BareSocket } from '../kernel/bare-socket.ts';
import { EAGAIN } from '../kernel/kernel.ts';
import { FAILED, HUNG_UP, PEER_ENDED, READABLE } from '../kernel/poller.ts';
import { EndedError, type Reader } from './peek.ts';

interface Options {
  /** How long to wait for something, in ms; Infinity for as long as it takes. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** Another one, at whose end there is nothing to wait for any more. */
  readonly unless?: BareSocket;
}

const ENDED = PEER_ENDED | HUNG_UP | FAILED;

/**
 * Has a reader make something of what a bare socket says first, in one piece, which stays to be read. Null where that cannot be: there is
 * too little of it, or an end; a stream may be more patient. Rejects with what the reader throws, with a DeadlineError, or with an
 * EndedError when it has been reset.
 */
export async function peekBare<T>(
  socket: BareSocket,
  reader: Reader<T>,
  options: Options,
): Promise<T | null> {
  let count = socket.peek();
  const hasEnded = ((options.unless?.unheard ?? 0) & ENDED) !== 0;
  if (count === -EAGAIN && !hasEnded) {
    await activity(socket, options);
    count = socket.peek();
  }
  // A stream would not be told of it any more: the error has been used up.
  if (count < 0 && count !== -EAGAIN) throw new EndedError(Buffer.alloc(0));
  return count > 0 ? reader.push(Buffer.copyBytesFrom(socket.kernel.buffer.bytes, 0, count)) : null;
}

/**
 * Resolves when a socket has something to say, or there is nothing to wait for any more, or the signal aborts. Rejects with a DeadlineError. What
 * happens meanwhile is kept in `unheard`.
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
  for (const each of watched) {
    const telling = each === socket ? READABLE | ENDED : ENDED;
    const onEvents = (events: number) => {
      each.unheard |= events;
      if ((events & telling) !== 0) settle();
    };
    each.listener = { onEvents };
    each.watch();
  }
  if (signal.aborted) settle();
  return promise;
}

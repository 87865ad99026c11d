import type { LookupAddress } from 'node:dns';
import { connect, type Socket } from 'node:net';

import { DeadlineError, withDeadline } from '../deadline.ts';
import { race } from '../race.ts';
import type { DialOrder } from './dial-order.ts';
import { DialError, type Target } from './target.ts';

/** A connection that has been idle this long is probed, so that a peer that vanished gives its slot up, in ms. */
export const KEEP_ALIVE_DELAY = 60_000;
/** Head start of an address over the next one, in ms (RFC 8305 §8). */
const HEAD_START = 250;
/** Head start of the last address over asking for the name again, in ms; when all fail, that is at once. */
const LAST_HEAD_START = 1_000;

interface Options {
  readonly order: DialOrder;
  /** Bound on the whole, name lookup included, in ms. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** A connection, and the address that it has reached. */
export interface Dialled {
  readonly socket: Socket;
  readonly address: LookupAddress;
}

/**
 * Connects to the first of the target's addresses that answers. When all fail or are silent, the name is asked for again, and what is
 * new is dialled too. The socket may be half-closed. Rejects with a DialError, and dials no more when the signal aborts.
 */
export async function dialTcp(target: Target, { order, timeout, signal }: Options): Promise<Dialled> {
  try {
    return await withDeadline({ timeout, signal }, async (either) => {
      const known = await target.resolve(either);
      return dialAny([...order.arrange(known), ASK_AGAIN], known, either);
    });
  } catch (cause) {
    throw new DialError(target, cause);
  }

  function dialAny(
    candidates: readonly Candidate[],
    known: readonly LookupAddress[],
    lost: AbortSignal,
  ): Promise<Dialled> {
    const attempt = (candidate: Candidate, each: AbortSignal) =>
      candidate === ASK_AGAIN ? dialNew(known, each) : dialOne(candidate, each);
    return race(candidates, attempt, {
      headStart: (next) => (next === ASK_AGAIN ? LAST_HEAD_START : HEAD_START),
      signal: lost,
      onSlow: (candidate) => candidate !== ASK_AGAIN && order.failed(candidate),
      discard: ({ socket }) => socket.destroy(),
    });
  }

  async function dialNew(known: readonly LookupAddress[], lost: AbortSignal): Promise<Dialled> {
    const tried = new Set(known.map(({ address }) => address));
    const fresh = await target.resolve(lost, { fresh: true });
    return dialAny(order.arrange(fresh.filter(({ address }) => !tried.has(address))), fresh, lost);
  }

  function dialOne(address: LookupAddress, lost: AbortSignal): Promise<Dialled> {
    const { promise, resolve, reject } = Promise.withResolvers<Dialled>();
    const socket = connect({
      host: address.address,
      family: address.family,
      port: target.port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY,
    });
    const settle = () => {
      socket.off('connect', onConnect).off('error', onError);
      lost.removeEventListener('abort', onLost);
    };
    const onConnect = () => {
      settle();
      resolve({ socket, address });
    };
    const onError = (cause: Error) => {
      settle();
      order.failed(address);
      reject(cause);
    };
    const onLost = () => {
      settle();
      socket.on('error', () => {}).destroy();
      if (lost.reason instanceof DeadlineError) order.failed(address);
      reject(lost.reason as Error);
    };
    socket.on('connect', onConnect).on('error', onError);
    lost.addEventListener('abort', onLost);
    return promise;
  }
}

/** Stands among addresses for those that the name has got since. */
const ASK_AGAIN = Symbol('ask again');
type Candidate = LookupAddress | typeof ASK_AGAIN;

import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { race } from '../race.ts';
import type { DialOrder } from './dial-order.ts';
import { DialError, type Target } from './target.ts';

/** A connection that has been idle this long is probed, so that a peer that vanished gives its slot up, in ms. */
export const KEEP_ALIVE_DELAY = 60_000;
/** Head start of an address over the next one, in ms (RFC 8305 §8). */
const HEAD_START = 250;
/** How long all addresses may be silent before the name is asked for again, in ms; when all fail, that is at once. */
const ASK_AGAIN = 1_000;
interface Options {
  readonly order: DialOrder;
  /** Bound on the whole, name lookup included, in ms. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * Connects to the first of the target's addresses that answers. When all fail or are silent, the name is asked for again, and what is
 * new is dialled too. The socket may be half-closed. Rejects with a DialError, and dials no more when the signal aborts.
 */
export async function dialTcp(target: Target, { order, timeout, signal }: Options): Promise<Socket> {
  const deadline = AbortSignal.timeout(timeout);
  const either = AbortSignal.any([signal, deadline]);

  const attempt = async (address: LookupAddress, lost: AbortSignal): Promise<Socket> => {
    try {
      return await dialOne(address, target.port, lost);
    } catch (cause) {
      if (!lost.aborted || deadline.aborted) order.failed(address);
      throw cause;
    }
  };
  const dialAny = (addresses: readonly LookupAddress[], lost: AbortSignal) =>
    race(order.arrange(addresses), attempt, {
      headStart: HEAD_START,
      signal: lost,
      onSlow: order.failed,
      discard: (late) => late.destroy(),
    });

  try {
    const known = await target.resolve(either);
    const dialKnown = (lost: AbortSignal) => dialAny(known, lost);
    const dialNew = async (lost: AbortSignal) => {
      const tried = new Set(known.map(({ address }) => address));
      const fresh = await target.resolve(lost, { fresh: true });
      return dialAny(
        fresh.filter(({ address }) => !tried.has(address)),
        lost,
      );
    };
    return await race([dialKnown, dialNew], (dial, lost) => dial(lost), {
      headStart: ASK_AGAIN,
      signal: either,
      onSlow: () => {},
      discard: (late) => late.destroy(),
    });
  } catch (cause) {
    throw new DialError(target, deadline.aborted ? new Error(`no answer within ${timeout} ms`) : cause);
  }
}

async function dialOne(
  { address, family }: LookupAddress,
  port: number,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = connect({
    host: address,
    family,
    port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_DELAY,
  });
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (cause) {
    socket.destroy();
    throw cause;
  }
}

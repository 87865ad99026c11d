import type { LookupAddress } from 'node:dns';
import { setTimeout as delay } from 'node:timers/promises';

import { DeadlineError } from '../../lib/deadline.ts';
import { race } from '../../lib/race.ts';
import type { DialOrder } from '../dial-order.ts';
import { isItself, nobodyListens } from '../is-itself.ts';
import { DialError, type Destination, type Dialled } from '../target.ts';
import type { Connect } from './connect.ts';
import type { TcpSocket } from './tcp-socket.ts';
import { toTcpSocket } from './to-tcp-socket.ts';

/** Head start of an address over the next one, in ms (RFC 8305 §8). */
const HEAD_START = 250;
/** Head start of the last address over asking for the name again, in ms; when all fail, that is at once. */
const LAST_HEAD_START = 1_000;
/** The least time from one question to the next, in ms, while addresses are silent and nothing new is said. */
const ASK_EVERY = 1_000;

interface Options {
  readonly order: Pick<DialOrder, 'arrange' | 'failed'>;
  readonly connect: Connect;
  /** Bound on the whole, name lookup included, in ms. */
  readonly timeout: number;
  /** Whether there is a descriptor for one more address, while another has not answered yet. */
  readonly mayHurry?: () => boolean;
  /** Ends it when it is aborted. It is aborted, too, when the time is up or something is still under way at the end. */
  readonly over: AbortController;
}

const LOST = new Error('another was faster');

/**
 * Connects to the first of the target's addresses that answers. When all fail or are silent, the name is asked for again, as long as one is silent each second,
 * and what is new is dialled too. The socket may be half-closed. Rejects with a DialError.
 *
 * Node's `autoSelectFamily` closes an attempt when the next begins, so of several slow addresses only the
 * last would have the whole time; RFC 8305 §5 lets them run on.
 *
 * AbortSignal.any, AbortSignal.timeout and an error made to be thrown away cost 5 to 7 µs each, more than the
 * system calls of a connection; a timer or a plain AbortController costs 0.4. A timeout of 10 s also outlives
 * a dial of 1 ms by 10 s. So a dial has one AbortController, and nothing of it is left behind.
 */
export async function dialTcp(
  target: Destination,
  { order, connect, timeout, mayHurry, over }: Options,
): Promise<Dialled<TcpSocket>> {
  const { signal } = over;
  let hasLosers = false;
  /** How many addresses neither answer nor fail. */
  let silent = 0;
  const timer = setTimeout(() => over.abort(new DeadlineError(timeout)), timeout);
  try {
    const known = await target.resolve(signal);
    return await dialAny([...order.arrange(known), ASK_AGAIN], known);
  } catch (cause) {
    throw new DialError(target, cause);
  } finally {
    clearTimeout(timer);
    if (hasLosers) over.abort(LOST);
  }

  function dialAny(
    candidates: readonly Candidate[],
    known: readonly LookupAddress[],
  ): Promise<Dialled<TcpSocket>> {
    return race(candidates, (candidate) => (candidate === ASK_AGAIN ? dialNew(known) : dialOne(candidate)), {
      headStart: (next) => (next === ASK_AGAIN ? LAST_HEAD_START : HEAD_START),
      ...(mayHurry && { mayHurry }),
      signal,
      onLosers: () => {
        hasLosers = true;
      },
      onSlow: (candidate) => candidate !== ASK_AGAIN && order.failed(candidate),
      discard: ({ socket }) => socket.reset(),
    });
  }

  async function dialNew(known: readonly LookupAddress[]): Promise<Dialled<TcpSocket>> {
    const tried = new Set(known.map(({ address }) => address));
    for (;;) {
      const askedAt = performance.now();
      const fresh = await askAgain();
      const unseen = fresh.filter(({ address }) => !tried.has(address));
      if (unseen.length > 0 || silent === 0) return dialAny(order.arrange(unseen), fresh);
      await delay(askedAt + ASK_EVERY - performance.now(), undefined, { signal });
    }
  }

  async function askAgain(): Promise<readonly LookupAddress[]> {
    try {
      return await target.resolve(signal, { fresh: true });
    } catch (cause) {
      if (silent === 0) throw cause;
      return [];
    }
  }

  async function dialOne(address: LookupAddress): Promise<Dialled<TcpSocket>> {
    silent++;
    try {
      const peer = { address: address.address, port: target.port };
      const socket = toTcpSocket(await connect(peer, signal));
      const { localAddress = '', localPort = 0 } = socket;
      if (!isItself({ address: localAddress, port: localPort }, peer)) return { socket, address };
      socket.reset();
      throw nobodyListens(peer);
    } catch (cause) {
      if (!signal.aborted || signal.reason instanceof DeadlineError) order.failed(address);
      throw cause;
    } finally {
      silent--;
    }
  }
}

/** Stands among addresses for those that the name has got since. */
const ASK_AGAIN = Symbol('ask again');
type Candidate = LookupAddress | typeof ASK_AGAIN;

import type { LookupAddress } from 'node:dns';

import { withDeadline } from '../../lib/deadline.ts';
import { listSome } from '../../lib/list-some.ts';
import { messageOf } from '../../lib/message-of.ts';
import type { DialOrder } from '../dial-order.ts';
import { isItself, nobodyListens } from '../is-itself.ts';
import { DialError, type Dialled, type Target } from '../target.ts';
import { SOCKET_BUFFER, type UdpSocket, type UdpSockets } from './sockets.ts';

interface Options {
  readonly sockets: UdpSockets;
  readonly order: DialOrder;
  /** For the name lookup, in ms. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** Connects a socket to the first of the target's addresses that has a route. Rejects with a DialError. */
export async function dialUdp(target: Target, options: Options): Promise<Dialled<UdpSocket>> {
  try {
    const addresses = await lookUp(target, options);
    return await connectToFirst(options.order.arrange(addresses), target, options);
  } catch (cause) {
    throw new DialError(target, cause);
  }
}

/**
 * Connects a socket to another of the target's addresses than one that is silent. Null where none is better: while the name has the
 * silent one, those that have failed lately are not. If the silence is news, the name is asked for anew before that is said: once for each address, as a dead
 * target is to be no load on nameservers. Rejects with a DialError.
 */
export async function redialUdp(
  target: Target,
  silent: LookupAddress,
  { isNews, ...options }: Options & { readonly isNews: boolean },
): Promise<Dialled<UdpSocket> | null> {
  const { order } = options;
  const betterOf = (addresses: readonly LookupAddress[]) => {
    const others = addresses.filter(({ address }) => address !== silent.address);
    const isGone = others.length === addresses.length;
    return order.arrange(isGone ? others : others.filter((each) => !order.hasFailed(each)));
  };
  try {
    let better = betterOf(await lookUp(target, options));
    if (better.length === 0 && isNews) better = betterOf(await lookUp(target, options, { fresh: true }));
    return better.length === 0 ? null : await connectToFirst(better, target, options);
  } catch (cause) {
    throw new DialError(target, cause);
  }
}

function lookUp(
  target: Target,
  { timeout, signal }: Options,
  how?: { readonly fresh: boolean },
): Promise<readonly LookupAddress[]> {
  return withDeadline({ timeout, signal }, (either) => target.resolve(either, how));
}

async function connectToFirst(
  addresses: readonly LookupAddress[],
  target: Target,
  { sockets, order }: Options,
): Promise<Dialled<UdpSocket>> {
  const failures: unknown[] = [];
  for (const address of addresses) {
    try {
      const peer = { address: address.address, port: target.port, bufferSize: SOCKET_BUFFER };
      const socket = await sockets.connect(peer);
      if (!isItself(socket.address(), peer)) return { socket, address };
      socket.close();
      throw nobodyListens(peer);
    } catch (cause) {
      order.failed(address);
      failures.push(cause);
    }
  }
  throw new Error(listSome(failures.map(messageOf), '; '));
}

import { withDeadline } from '../deadline.ts';
import { listSome } from '../list-some.ts';
import { messageOf } from '../message-of.ts';
import type { DialOrder } from './dial-order.ts';
import type { Dialled } from './dial-tcp.ts';
import { isItself, nobodyListens } from './is-itself.ts';
import { DialError, type Target } from './target.ts';
import { SOCKET_BUFFER, type UdpSocket, type UdpSockets } from './udp-sockets.ts';

interface Options {
  readonly sockets: UdpSockets;
  readonly order: DialOrder;
  /** For the name lookup, in ms. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** Connects a socket to the first of the target's addresses that has a route. Rejects with a DialError. */
export async function dialUdp(
  target: Target,
  { sockets, order, timeout, signal }: Options,
): Promise<Dialled<UdpSocket>> {
  const failures: unknown[] = [];
  try {
    const addresses = await withDeadline({ timeout, signal }, (either) => target.resolve(either));
    for (const address of order.arrange(addresses)) {
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
  } catch (cause) {
    throw new DialError(target, cause);
  }
}

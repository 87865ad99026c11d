import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

import { withDeadline } from '../deadline.ts';
import { messageOf } from '../message-of.ts';
import type { DialOrder } from './dial-order.ts';
import { DialError, type Target } from './target.ts';

interface Options {
  readonly order: DialOrder;
  /** For the name lookup, in ms. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * Connects a socket to the first of the target's addresses that has a route. Only the target's datagrams come in on a connected
 * socket, and its refusals (ICMP) come as errors (udp(7)). Rejects with a DialError.
 */
export async function dialUdp(target: Target, { order, timeout, signal }: Options): Promise<Socket> {
  const failures: unknown[] = [];
  try {
    const addresses = await withDeadline({ timeout, signal }, (either) => target.resolve(either));
    for (const address of order.arrange(addresses)) {
      const socket = createSocket(address.family === 6 ? 'udp6' : 'udp4');
      try {
        socket.connect(target.port, address.address);
        await once(socket, 'connect', { signal });
        return socket;
      } catch (cause) {
        socket.close();
        if (signal.aborted) throw cause;
        order.failed(address);
        failures.push(cause);
      }
    }
    throw new Error(failures.map(messageOf).join('; '));
  } catch (cause) {
    throw new DialError(target, cause);
  }
}

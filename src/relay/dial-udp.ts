import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

import { DialError, type Target } from './target.ts';

/**
 * Connects a socket to the first of the target's addresses that has a route, within `timeout` ms. Only the target's datagrams come in on
 * a connected socket, and its refusals (ICMP) come as errors (udp(7)).
 */
export async function dialUdp(
  target: Target,
  { timeout, signal }: { readonly timeout: number; readonly signal: AbortSignal },
): Promise<Socket> {
  const deadline = AbortSignal.timeout(timeout);
  const failures: unknown[] = [];
  try {
    for (const { address, family } of await target.resolve(AbortSignal.any([signal, deadline]))) {
      const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
      try {
        socket.connect(target.port, address);
        await once(socket, 'connect');
        signal.throwIfAborted();
        return socket;
      } catch (cause) {
        socket.close();
        failures.push(cause);
      }
    }
    throw new AggregateError(failures);
  } catch (cause) {
    throw new DialError(target, deadline.aborted ? new Error(`no answer within ${timeout} ms`) : cause);
  }
}

import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that the kernel gives out by itself: whoever dials a target that is down must not happen to dial from its port, and so reach itself. */
const [LOW, HIGH] = [10_000, 32_000];
const given = new Set<number>();

/** A port where nothing listens over TCP and UDP, at any address, and that nobody has been given before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOW, HIGH);
    if (given.has(port) || !(await canListen(port))) continue;
    given.add(port);
    return port;
  }
}

/** Whether a port of an address can be listened on, over TCP and UDP. */
export async function canListen(port: number, host?: string): Promise<boolean> {
  const server = createServer();
  const socket = createSocket('udp4');
  try {
    const listening = once(server, 'listening');
    server.listen({ port, host });
    await listening;
    const bound = once(socket, 'listening');
    socket.bind(port, host);
    await bound;
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
    if (server.listening) await new Promise((resolve) => void server.close(resolve));
  }
}

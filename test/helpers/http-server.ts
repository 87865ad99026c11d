import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

import { onTestFinished } from 'vitest';

/** Node's HTTP server on a free port of loopback, after `setUp` has told it what to do; ended with the test, and its upgraded sockets as well. */
export async function httpServer(setUp: (server: Server) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on('connection', (socket) => sockets.add(socket.once('close', () => sockets.delete(socket))));
  setUp(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

import { once } from 'node:events';
import { createServer } from 'node:net';

import { onTestFinished } from 'vitest';

import { connectBare } from '../../src/kernel/bare-connect.ts';
import { BareServer } from '../../src/kernel/bare-server.ts';
import type { BareSocket } from '../../src/kernel/bare-socket.ts';
import { type Kernel, openKernel } from '../../src/kernel/kernel.ts';

/** A bare server on loopback, whom it has accepted, and how to dial it; closed with the test. */
export async function bareServer(accept: (client: BareSocket) => void = () => {}) {
  const kernel = openKernel() as Kernel;
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted: BareSocket[] = [];
  const bare = new BareServer(kernel, server, {
    mayAccept: () => true,
    accept: (client) => {
      accepted.push(client);
      accept(client);
    },
  });
  const { port } = bare.address();
  onTestFinished(() => {
    bare.close();
    for (const client of accepted) client.close();
  });
  return {
    bare,
    accepted,
    port,
    dial: async (): Promise<BareSocket> => {
      const socket = await connectBare(kernel, { address: '127.0.0.1', port }, new AbortController().signal);
      onTestFinished(() => socket.close());
      return socket;
    },
  };
}

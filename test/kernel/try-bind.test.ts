import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

import { expect, test } from 'vitest';

import { type Kernel, openKernel } from '../../src/kernel/kernel.ts';
import { tryBind } from '../../src/kernel/try-bind.ts';
import { closedPort, endOf, tcpClient } from '../helpers/sockets.ts';

const kernel = openKernel() as Kernel;

/** Listens beside whoever else shares the port. */
const LISTENING = {
  tcp: async (host: string, port: number) => {
    const server = createServer((socket) => socket.once('data', () => socket.end()));
    server.listen({ host, port, reusePort: true, ipv6Only: host === '::1' });
    await once(server, 'listening');
    return server;
  },
  udp: async (host: string, port: number) => {
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', reusePort: true });
    socket.bind(port, host);
    await once(socket, 'listening');
    return socket;
  },
};

test.each(
  (['tcp', 'udp'] as const).flatMap((protocol) =>
    [
      ['127.0.0.1', '127.0.0.1'],
      ['127.0.0.1', '::'],
      ['0.0.0.0', '127.0.0.1'],
      ['::', '127.0.0.1'],
      ['::', '::1'],
      ['::1', '::'],
    ].map(([listens = '', address = '']) => ({ protocol, listens, address })),
  ),
)('tryBind() finds who listens and shares its port: %j', async ({ protocol, listens, address }) => {
  const port = await closedPort();
  const tried = () => tryBind(kernel, { protocol, address, port, ipv6Only: false });
  tried();
  {
    await using _ = await LISTENING[protocol](listens, port);
    expect(tried).toThrow(`bind EADDRINUSE ${address}:${port}`);
  }
  tried();
});

test.each(['tcp', 'udp'] as const)(
  'tryBind() leaves other addresses, the other family and other protocols alone (%s)',
  async (protocol) => {
    const port = await closedPort();
    await using _one = await LISTENING[protocol]('127.0.0.1', port);
    await using _two = await LISTENING[protocol === 'tcp' ? 'udp' : 'tcp']('127.0.0.2', port);
    for (const [address, ipv6Only] of [
      ['127.0.0.2', true],
      ['::', true],
    ] as const)
      expect(() => tryBind(kernel, { protocol, address, port, ipv6Only })).not.toThrow();
  },
);

test('tryBind() leaves connections alone that outlive their listener, or have ended', async () => {
  const port = await closedPort();
  const server = await LISTENING.tcp('127.0.0.1', port);
  const [ended, living] = [await tcpClient(port), await tcpClient(port)];
  ended.write('end first, and have TIME_WAIT');
  expect(await endOf(ended)).toBe(null);
  server.close();
  expect(() =>
    tryBind(kernel, { protocol: 'tcp', address: '127.0.0.1', port, ipv6Only: true }),
  ).not.toThrow();
  living.destroy();
});

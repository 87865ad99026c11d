import type { Socket } from 'node:net';

import { expect, test } from 'vitest';

import { connectBare } from '../../../src/kernel/bare-connect.ts';
import { type Kernel, openKernel } from '../../../src/kernel/kernel.ts';
import { relayTo } from '../../../src/relay/serve/relay-to.ts';
import { Slots } from '../../../src/relay/slots.ts';
import { checkTo } from '../../helpers/http-relay.ts';
import { localTarget, servingRelay, tcpRelay } from '../../helpers/relay.ts';
import { readSome, tcpClient, tcpServer, unread } from '../../helpers/sockets.ts';

// What holds for clients that are bare sockets, and not for streams.

const kernel = openKernel() as Kernel;
const { signal } = new AbortController();

function bareClient(port: number) {
  return connectBare(kernel, { address: '127.0.0.1', port }, signal);
}

test('a client that waits is not read', async () => {
  const asked = Promise.withResolvers<Socket>();
  const server = await tcpServer((socket) => void socket.once('readable', () => asked.resolve(socket)));
  const relay = await tcpRelay(localTarget(server.port), { maxConnections: 1 });
  const holder = await tcpClient(relay.port);
  await expect.poll(() => relay.live).toBe(1);
  const waiter = await tcpClient(relay.port);
  await expect.poll(() => relay.waiting).toBe(1);
  waiter.write('a question');
  // By the time that it has seen another one come, and leave, it would have read the first.
  const other = await tcpClient(relay.port);
  await expect.poll(() => relay.waiting).toBe(2);
  other.resetAndDestroy();
  await expect.poll(() => relay.waiting).toBe(1);
  expect(unread(waiter.localPort, relay.port)).toBe('a question'.length);
  holder.resetAndDestroy();
  expect((await readSome(await asked.promise)).toString()).toBe('a question');
});

test('a client that was reset before it came to wait does not wait', async () => {
  const server = await tcpServer(() => {});
  const isReset = Promise.withResolvers<void>();
  const relay = await servingRelay(
    async (connection) => {
      connection.client.noticeLeaving({ byFin: false, onLeft: () => {} })(); // it is watched, and nobody listens
      await isReset.promise;
      await relayTo(localTarget(server.port))(connection);
    },
    { slots: new Slots(0) },
  );
  const client = await bareClient(relay.port);
  await expect.poll(() => relay.counts().opened).toBe(1);
  client.reset();
  // The relay is told of it now, while nobody listens.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  isReset.resolve();
  await expect.poll(() => relay.waiting).toBe(0);
  expect(relay.live).toBe(0);
});

test('a client that asks for more than is read, and is reset at the same moment, gives its slot up', async () => {
  const { port: target } = await tcpServer((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
  });
  const relay = await checkTo(target);
  const client = await bareClient(relay.port);
  const request = Buffer.from('GET / HTTP/1.1\r\nHost: api.test\r\n\r\n');
  client.write(request);
  await expect.poll(() => client.read()).toBeGreaterThan(0);
  expect(relay.live).toBe(1);
  // Before the relay looks again, in this same thread.
  client.write(Buffer.concat(Array<Buffer>(20).fill(request)));
  client.reset();
  await expect.poll(() => relay.live).toBe(0);
});

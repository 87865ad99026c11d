import { expect, test } from 'vitest';

import { reset } from '../../../src/relay/tcp/reset.ts';
import { endOf, tcpClient, tcpServer } from '../../helpers/sockets.ts';

test('reset() resets, and what is queued is not waited for', async () => {
  const { port } = await tcpServer((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.alloc(50_000_000));
      reset(socket);
    });
  });
  const client = await tcpClient(port);
  client.write('go');
  expect(await endOf(client)).toBe('ECONNRESET');
});

test('reset() closes a socket right after its end', async () => {
  const closed = Promise.withResolvers<boolean>();
  const { port } = await tcpServer((socket) => {
    socket.once('close', () => closed.resolve(socket.closed));
    socket.end();
    reset(socket);
  });
  await tcpClient(port);
  expect(await closed.promise).toBe(true);
});

import type { Socket } from 'node:net';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { hangUp } from '../../../src/relay/tcp/hang-up.ts';
import { readAll, tcpClient, tcpServer } from '../../helpers/sockets.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** A client that has read its last words, and may still send. */
async function hungUp() {
  const accepted = Promise.withResolvers<Socket>();
  const { port } = await tcpServer(accepted.resolve);
  const client = await tcpClient(port);
  const socket = await accepted.promise;
  const closed = hangUp(socket, 'no');
  expect((await readAll(client)).toString()).toBe('no');
  return { client, socket, closed };
}

test('hangUp() leaves the other side 5 s to end', async () => {
  const { socket, closed } = await hungUp();
  vi.advanceTimersByTime(4_999);
  expect(socket.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  expect(socket.destroyed).toBe(true);
  await closed;
});

test('hangUp() reads what the other side still sends, ends with it, and leaves no timer', async () => {
  const { client, socket, closed } = await hungUp();
  client.end('but why');
  await closed;
  expect(socket.bytesRead).toBe('but why'.length);
  expect(vi.getTimerCount()).toBe(0);
});

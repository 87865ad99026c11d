import type { Socket } from 'node:net';

import { expect, onTestFinished, test, vi } from 'vitest';

import { openAdmin, plainPage } from '../../src/control/admin.ts';
import { closedPort, endOf, readAll, tcpClient } from '../helpers/sockets.ts';
import { until } from '../helpers/until.ts';

const TIMEOUT = 10_000;
const MAX_CLIENTS = 32;

/** A page that is there at once, one that comes when it is released, and which were asked for; closed with the test. */
async function open() {
  const port = await closedPort();
  const asked: string[] = [];
  const released = Promise.withResolvers<void>();
  const pages = {
    '/quick': () => {
      asked.push('quick');
      return plainPage(200, 'quick');
    },
    '/slow': async () => {
      asked.push('slow');
      await released.promise;
      return plainPage(200, 'slow');
    },
  };
  const admin = await openAdmin({ host: '127.0.0.1', port }, pages);
  onTestFinished(() => admin.close());
  return { port, asked, release: () => released.resolve() };
}

/** Asks for a page; what is answered. */
async function get(socket: Socket, path: '/quick' | '/slow'): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  return String(await readAll(socket));
}

test('32 clients are served at a time; one more waits until one has left', async () => {
  const { port, asked, release } = await open();
  const sockets: Socket[] = [];
  for (let i = 0; i < MAX_CLIENTS; i++) sockets.push(await tcpClient(port));
  const [one, two, three, ...others] = sockets.toReversed() as [Socket, Socket, Socket, ...Socket[]];
  const left: unknown[] = [];
  for (const other of others) other.resume().once('end', () => left.push(other));
  const quick = get(await tcpClient(port), '/quick');
  const slow: Promise<string>[] = [];
  // As often as it takes to be sure that it would have been served.
  for (const each of [one, two, three]) {
    slow.push(get(each, '/slow'));
    await until(() => asked.length === slow.length);
  }
  expect(asked).toEqual(['slow', 'slow', 'slow']);
  release();
  for (const answer of await Promise.all(slow)) expect(answer).toContain('slow\n');
  expect(await quick).toContain('quick\n');
  expect(left).toEqual([]);
});

test('a client that takes longer than 10 s is gone', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { port } = await open();
  const client = await tcpClient(port);
  await until(() => vi.getTimerCount() === 1);
  vi.advanceTimersByTime(TIMEOUT - 1);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1);
  expect(await endOf(client)).toBeNull();
});

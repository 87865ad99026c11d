import { once } from 'node:events';
import type { Socket } from 'node:net';

import { expect, test } from 'vitest';

import { pump } from '../../src/relay/pump.ts';
import { readSome, tcpClient, tcpServer } from '../helpers/sockets.ts';

/** Two connections, each with its far end: what one hears is pumped to the other. */
async function pumping({ said = '' } = {}) {
  const accepted: Socket[] = [];
  const { port } = await tcpServer((socket) => accepted.push(socket.pause()));
  const talker = await tcpClient(port);
  const listener = (await tcpClient(port)).pause();
  await expect.poll(() => accepted.length).toBe(2);
  const [source, sink] = accepted as [Socket, Socket];
  if (said !== '') {
    talker.write(said);
    await once(source.resume(), 'data').then(([chunk]) => source.pause().unshift(chunk as Buffer));
  }
  let count = 0;
  pump(source, sink, (bytes) => (count += bytes));
  return { talker, listener, source, sink, count: () => count };
}

test('pump() moves what has been looked into first, and counts it', async () => {
  const { talker, listener, count } = await pumping({ said: 'first ' });
  talker.write('second');
  expect((await readSome(listener, 12)).toString()).toBe('first second');
  expect(count()).toBe(12);
});

test('pump() keeps the order of what waits in the stream and what comes after', async () => {
  const { talker, listener, sink, count } = await pumping();
  sink.cork();
  sink.write('before ');
  talker.write('after');
  await expect.poll(count).toBe(5);
  sink.uncork();
  expect((await readSome(listener, 12)).toString()).toBe('before after');
});

test('pump() reads no more than a little ahead of a reader who stalls, and goes on when it does', async () => {
  const { talker, listener, source, sink } = await pumping();
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  let said = 0;
  while (said < 256 * chunk.length && talker.write(chunk)) said += chunk.length;
  for (let before = -1; before !== source.bytesRead;) {
    before = source.bytesRead;
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (talker.writableLength === 0) talker.write(chunk);
  }
  expect(sink.writableLength).toBeGreaterThan(0);
  expect(sink.writableLength).toBeLessThanOrEqual(256 * 1024);
  const waiting = source.bytesRead;
  await readSome(listener, waiting);
  await expect.poll(() => source.bytesRead).toBeGreaterThan(waiting);
});

test('pump() lets vanish what a sink that is gone would have got, and reads on', async () => {
  const { talker, sink, count } = await pumping();
  sink.destroy();
  talker.write('nobody hears this');
  await expect.poll(count).toBe(17);
});

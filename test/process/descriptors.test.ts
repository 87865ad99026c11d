import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { startSallyport } from '../helpers/program.ts';
import { closedPort, endOf, tcpClient, tcpServer } from '../helpers/sockets.ts';

/** What leaves so many numbers free among the descriptors that are in use (RLIMIT_NOFILE of getrlimit(2)). */
function limitFor(free: number, used: readonly number[]): number {
  let limit = 0;
  for (let found = 0; found < free; limit++) if (!used.includes(limit)) found++;
  return limit;
}

test('out of file descriptors, clients wait until there are some again, and nobody is cut off', async () => {
  const { port: target } = await tcpServer((socket) => socket.write('hello'));
  const port = await closedPort();
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:${target}` });
  await relay.line('listening');
  const greeted = async () => {
    const client = await tcpClient(port);
    return { client, greeting: once(client, 'data') };
  };
  const first = await greeted();
  await first.greeting;
  // Each client takes two: one more may come.
  const { pid = 0 } = relay.process;
  const limit = limitFor(2, readdirSync(`/proc/${pid}/fd`).map(Number));
  execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${limit}:${limit}`]);
  const second = await greeted();
  await second.greeting;
  const third = await greeted();
  expect(await relay.line('no more clients can be accepted for now: they wait')).toMatchObject({
    level: 'warn',
    port,
    err: 'accept EMFILE',
  });
  const isGreeted = third.greeting.then(() => true);
  expect(await Promise.race([isGreeted, delay(300, false)])).toBe(false);
  first.client.resetAndDestroy();
  expect(await isGreeted).toBe(true);
  expect(second.client.destroyed).toBe(false);

  // There is another one that waits, and whoever waits is turned away at a stop.
  await relay.line('no more clients can be accepted for now: they wait');
  const [fourth, fifth] = [await tcpClient(port), await tcpClient(port)];
  relay.process.kill('SIGTERM');
  await relay.line('stopping');
  expect(await Promise.all([endOf(fourth), endOf(fifth)])).toEqual(['ECONNRESET', 'ECONNRESET']);
  await delay(300); // longer than accepting has paused
  for (const { client } of [second, third]) client.resetAndDestroy();
  expect((await relay.ended).code).toBe(0);
});

import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { muteServer } from '../helpers/mute-server.ts';
import { startSallyport } from '../helpers/program.ts';
import { closedPort, endOf, tcpClient, tcpServer } from '../helpers/sockets.ts';

/** The limit that leaves so many for clients, of which some are kept for other things (RLIMIT_NOFILE of getrlimit(2)). */
function limitFor(free: number, used: number): number {
  let limit = used;
  while (limit - used - Math.ceil(limit / 8) < free) limit++;
  return limit;
}

function setLimit({ pid = 0 }: ChildProcess, limit: number): void {
  execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${limit}:${limit}`]);
}

function countOpen({ pid = 0 }: ChildProcess): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

test.each([
  ['off', '1'],
  ['report', '1'],
  ['off', '2'],
])(
  'with NAME_CHECK=%s and WORKERS=%s, only clients that can be connected are accepted',
  async (check, workers) => {
    const { port: target } = await tcpServer((socket) => socket.write('hello'));
    const port = await closedPort();
    const relay = startSallyport({
      TARGET: 'localhost',
      TARGET_SCOPE: 'any',
      PORT: `${port}:${target}`,
      NAME_CHECK: check,
      WORKERS: workers,
    });
    await relay.line('listening');
    setLimit(relay.process, limitFor(20, countOpen(relay.process)));
    const clients = await Promise.all(Array.from({ length: 40 }, () => tcpClient(port)));
    await relay.line('no more clients can be accepted for now: they wait');
    let served = 0;
    const endings = clients.map(async (client) => {
      await once(client, 'data');
      served++;
      client.resetAndDestroy();
    });
    // As they leave, others come.
    await Promise.all(endings);
    expect(served).toBe(clients.length);
  },
);

test('a name with many silent addresses takes one descriptor of a client, and others as long as they are left', async () => {
  const port = await closedPort();
  const silent = Array.from({ length: 5 }, (_, place) => `127.0.9.${place + 1}`);
  await Promise.all(silent.map((address) => muteServer(address, port)));
  const nameserver = await scriptedServer(zone(silent.map((address) => a('many.test', address))));
  const from = await closedPort();
  const relay = startSallyport({
    TARGET: 'many.test',
    TARGET_SCOPE: 'any',
    PRE_RESOLVE: '1',
    NAMESERVERS: `${nameserver.address}:${nameserver.port}`,
    PORT: `${from}:${port}`,
    CONNECT_TIMEOUT_MS: '2500',
  });
  await relay.line('listening');
  const before = countOpen(relay.process);
  setLimit(relay.process, limitFor(4, before));
  const client = await tcpClient(from);
  let most = 0;
  const counting = setInterval(() => (most = Math.max(most, countOpen(relay.process))), 20);
  expect(await endOf(client)).toBe('ECONNRESET');
  clearInterval(counting);
  expect(most - before).toBeGreaterThan(2);
  expect(most - before).toBeLessThanOrEqual(4);
});

test('out of file descriptors, clients wait until there are some again, and nobody is cut off', async () => {
  const { port: target } = await tcpServer((socket) => socket.write('hello'));
  const port = await closedPort();
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:${target}` });
  await relay.line('listening');
  // Each client takes two.
  const limit = limitFor(4, countOpen(relay.process));
  setLimit(relay.process, limit);
  const greeted = async () => {
    const client = await tcpClient(port);
    return { client, greeting: once(client, 'data') };
  };
  const first = await greeted();
  await first.greeting;
  const second = await greeted();
  await second.greeting;
  const third = await greeted();
  expect(await relay.line('no more clients can be accepted for now: they wait')).toMatchObject({
    level: 'warn',
    port,
    err: `too few of ${limit} file descriptors are left`,
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

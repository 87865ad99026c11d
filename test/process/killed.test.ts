import type { Socket } from 'node:net';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { readSockets } from '../../src/kernel/socket-table.ts';
import { startSallyport } from '../helpers/program.ts';
import { closedPort, endOf, readAll, readSome, tcpClient, tcpServer } from '../helpers/sockets.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nthis is not all of it';
/** Of tcp_states.h: a FIN stands behind what is still to be acknowledged. */
const FIN_WAIT1 = '04';

const HOARD = join(import.meta.dirname, '../helpers/programs/hoard.cjs');

type UnderWay = Awaited<ReturnType<typeof underWay>>;

/** A relay, and clients that have each been given a part of an answer. */
async function underWay(environment: Readonly<Record<string, string>>, count = 4) {
  const targets: Socket[] = [];
  const { port: target } = await tcpServer((socket) => {
    targets.push(socket);
    socket.on('error', () => {}).once('data', () => socket.write(ANSWER));
  });
  const port = await closedPort();
  const isProxy = environment['MODE'] === 'http-proxy';
  const relay = startSallyport({
    TARGET: 'localhost',
    TARGET_SCOPE: 'any',
    ...(isProxy ? { PORT: String(target), LISTEN: String(port) } : { PORT: `${port}:${target}` }),
    ...environment,
  });
  await relay.line('listening');
  const clients = await Promise.all(Array.from({ length: count }, () => tcpClient(port)));
  for (const client of clients) {
    const host = `localhost:${target}`;
    client.write(`GET ${isProxy ? `http://${host}` : ''}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await readSome(client, ANSWER.length);
  }
  return { relay, port, clients, targets };
}

/** The different ways in which clients and targets see their connections end. */
async function endings({ clients, targets }: UnderWay): Promise<readonly (string | null)[]> {
  return [...new Set(await Promise.all([...clients, ...targets].map(endOf)))];
}

test.each(
  ['1', '2'].flatMap((WORKERS) => [
    { WORKERS },
    { WORKERS, NAME_CHECK: 'report' },
    { WORKERS, NAME_CHECK: 'enforce' },
    { WORKERS, MODE: 'http-proxy' },
  ]),
)('a relay that is killed resets what is under way: %j', async (environment) => {
  const all = await underWay(environment);
  all.relay.process.kill('SIGKILL');
  expect(await endings(all)).toEqual(['ECONNRESET']);
});

test('what was complete when the relay is killed arrives, to its end', async () => {
  const whole = Buffer.alloc(1_000_000, 'x'); // more than a client that does not read has room for
  const { port: target } = await tcpServer((socket) => socket.on('error', () => {}).end(whole));
  const port = await closedPort();
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:${target}` });
  await relay.line('listening');
  const client = (await tcpClient(port)).pause();
  const states = () => readSockets('tcp').flatMap((socket) => (socket.port === port ? socket.state : []));
  await expect.poll(states).toContain(FIN_WAIT1);
  relay.process.kill('SIGKILL');
  await relay.ended;
  expect((await readAll(client)).equals(whole)).toBe(true);
});

/** A relay in which one thread has been told to take memory until it has no more, while clients and targets keep it busy. */
async function hoarding(WORKERS: string): Promise<UnderWay> {
  const NODE_OPTIONS = `--require=${HOARD} --max-old-space-size=48`;
  return underWay({ WORKERS, NODE_OPTIONS, DRAIN_TIMEOUT_MS: '60000' }, 12);
}

async function runOutOfHeap({ relay, clients, targets }: UnderWay): Promise<void> {
  for (const client of clients) client.resume();
  for (const target of targets) {
    const talk = setInterval(() => target.write(Buffer.alloc(1_000)), 5);
    target.once('close', () => clearInterval(talk));
  }
  relay.process.kill('SIGWINCH');
}

test.each([
  ['it relays', async () => {}],
  [
    'it drains',
    async ({ relay }: UnderWay) => {
      relay.process.kill('SIGTERM');
      await relay.line('stopping');
    },
  ],
])(
  'while %s, a worker that is out of heap ends the program, which says so and resets what lives',
  async (_what, prepare) => {
    const all = await hoarding('2');
    await prepare(all);
    await runOutOfHeap(all);
    expect(await endings(all)).toEqual(['ECONNRESET']);
    expect(await all.relay.line('failed')).toMatchObject({
      level: 'fatal',
      err: expect.stringContaining('JS heap out of memory'),
    });
    expect((await all.relay.ended).code).toBe(1);
  },
);

test('a main thread that is out of heap is aborted by Node, and what lives is reset', async () => {
  const all = await hoarding('1');
  await runOutOfHeap(all);
  expect(await endings(all)).toEqual(['ECONNRESET']);
  expect((await all.relay.ended).output).toContain('JavaScript heap out of memory');
  expect(all.relay.process.signalCode).toBe('SIGABRT');
});

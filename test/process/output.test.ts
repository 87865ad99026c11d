import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { expect, onTestFinished, test, vi } from 'vitest';

import { fifo } from '../helpers/fifo.ts';
import { startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, readAll, tcpClient, tcpServer } from '../helpers/sockets.ts';

/** The built relay with this descriptor as its standard output, once it listens or has ended. */
async function relayTo(stdout: number, environment: Readonly<Record<string, string>> = {}) {
  const { port: target } = await tcpServer((socket) => socket.pipe(socket));
  const port = Number(environment['PORT'] ?? (await closedPort()));
  const relay = spawn(process.execPath, [join(import.meta.dirname, '../../dist/sallyport.js')], {
    env: {
      TARGET: '127.0.0.1',
      TARGET_SCOPE: 'any',
      VERBOSE: '1',
      SALLYPORT_RUN_DIR: temporaryDirectory(),
      ...environment,
      PORT: `${port}:${target}`,
    },
    stdio: ['ignore', stdout, 'inherit'],
  });
  onTestFinished(() => void relay.kill('SIGKILL'));
  return { relay, port, ended: once(relay, 'close') as Promise<[number | null]> };
}

async function isListening(port: number): Promise<boolean> {
  const client = connect(port, '127.0.0.1');
  const isOpen = await Promise.race([
    once(client, 'connect').then(() => true),
    once(client, 'close').then(() => false),
  ]).catch(() => false);
  client.destroy();
  return isOpen;
}

/** A pipe that is full, and nobody reads it. */
function fullPipe() {
  const { fd, fill } = fifo();
  fill();
  return fd;
}

const OUTPUTS = [
  ['a full pipe', fullPipe],
  ['a full disk', () => openSync('/dev/full', 'w')],
] as const;

test.each(OUTPUTS.flatMap(([what, open]) => ['1', '2'].map((workers) => [what, workers, open] as const)))(
  'with %s as standard output, relaying goes on and SIGTERM ends it with 0 (WORKERS=%s)',
  async (_what, WORKERS, open) => {
    const { relay, port, ended } = await relayTo(open(), { WORKERS });
    await vi.waitUntil(() => isListening(port), { timeout: 20_000 });
    for (let i = 0; i < 50; i++) {
      const client = await tcpClient(port);
      client.end('hello');
      expect((await readAll(client)).toString()).toBe('hello');
    }
    relay.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  },
);

test('the last lines reach a slow reader in order at a stop', async () => {
  const { fd, fill, read, close } = fifo();
  const before = fill();
  const { relay, port, ended } = await relayTo(fd);
  await vi.waitUntil(() => isListening(port), { timeout: 20_000 });
  relay.kill('SIGTERM');
  const reading = text(read());
  expect(await ended).toEqual([0, null]);
  close();
  expect(messages(await reading, before).filter((msg) => msg !== 'connection ended')).toEqual([
    'listening',
    'stopping',
    'stopped',
  ]);
});

test('so does the reason why it could not start', async () => {
  const port = await closedPort();
  const taken = startSallyport({ TARGET: '127.0.0.1', PORT: String(port) });
  await taken.line('listening');
  const { fd, fill, read, close } = fifo();
  const before = fill();
  const { ended } = await relayTo(fd, { PORT: String(port), NAMESERVER: '9.9.9.9' });
  const reading = text(read());
  expect(await ended).toEqual([1, null]);
  close();
  expect(messages(await reading, before)).toEqual([
    'NAMESERVER is set but unknown: did you mean NAMESERVERS?',
    'failed',
  ]);
});

/** Of the log lines behind what a pipe held already. */
function messages(said: string, before: string): readonly string[] {
  expect(said.startsWith(before)).toBe(true);
  const lines = said.slice(before.length).trimEnd().split('\n');
  return lines.map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
}

import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { startSallyport } from '../helpers/program.ts';
import { closedPort, endOf, readSome, tcpClient, tcpServer } from '../helpers/sockets.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
/** Beyond memory at rest. */
const NEAR = 1.3;

/** Resident memory, in KiB (proc(5)). */
function residentMemory(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}

test('a thousand names take little more memory than one', async () => {
  const port = await closedPort();
  const start = async (names: number) => {
    const { process, line } = startSallyport({
      TARGET: Array.from({ length: names }, (_, i) => `n${i}.test:${port}:80`).join(' '),
      BIND: `127.0.0.${names === 1 ? 1 : 2}`,
    });
    await line('listening');
    return residentMemory(process.pid ?? 0);
  };
  // What reading them has left behind is not collected yet.
  expect(await start(1_000)).toBeLessThan((await start(1)) * 1.5);
});

test.each([{ WORKERS: '1' }, { WORKERS: '2' }])(
  'a storm of connections leaves memory as it was: %j',
  async (environment) => {
    const { port: target } = await tcpServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.end(ANSWER));
    });
    const port = await closedPort();
    const relay = startSallyport({
      TARGET: 'localhost',
      TARGET_SCOPE: 'any',
      PORT: `${port}:${target}`,
      MAX_CONNECTIONS: '0',
      ...environment,
    });
    await relay.line('listening');
    const { pid = 0 } = relay.process;
    const rest = residentMemory(pid);
    const call = async () => {
      const client = await tcpClient(port);
      client.write(`GET / HTTP/1.1\r\nHost: localhost:${target}\r\n\r\n`);
      await readSome(client, ANSWER.length);
      client.end();
      await endOf(client);
    };
    for (let round = 0; round < 2; round++) await Promise.all(Array.from({ length: 3_000 }, call));
    expect(residentMemory(pid)).toBeGreaterThan(rest * NEAR);
    await expect
      .poll(() => residentMemory(pid), { timeout: 60_000, interval: 1_000 })
      .toBeLessThan(rest * NEAR);
  },
  120_000,
);

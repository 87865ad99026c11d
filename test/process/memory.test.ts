import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { startSallyport } from '../helpers/program.ts';
import { closedPort, endOf, readSome, tcpClient, tcpServer } from '../helpers/sockets.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
/** Beyond memory at rest. */
const NEAR = 1.3;

/** Resident memory, in KiB (proc(5)). */
function residentMemory(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}

/** Memory of relays to one name and to a thousand, which are read now and again. */
async function startFewAndMany(environment: Readonly<Record<string, string>> = {}) {
  const port = await closedPort();
  const start = async (names: number) => {
    const { process, line } = startSallyport({
      TARGET: Array.from({ length: names }, (_, i) => `n${i}.test:${port}:80`).join(' '),
      BIND: `127.0.0.${names === 1 ? 1 : 2}`,
      ...environment,
    });
    await line('listening');
    return () => residentMemory(process.pid ?? 0);
  };
  const [few, many] = [await start(1), await start(1_000)];
  return () => many() / few();
}

test('a thousand names take little more memory than one', async () => {
  const ratio = await startFewAndMany();
  await expect.poll(ratio).toBeLessThan(NEAR);
});

test('so they do once all of them are resolved, and it is quiet', async () => {
  const nameserver = await scriptedServer((query, how) =>
    zone([a(query.questions?.[0]?.name ?? '', '127.0.0.1', 3_600)])(query, how),
  );
  const ratio = await startFewAndMany({ PRE_RESOLVE: '1', NAMESERVERS: `127.0.0.1:${nameserver.port}` });
  // A and AAAA of each; some may be asked for again.
  await expect.poll(() => nameserver.queries.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(2_002);
  await expect.poll(ratio, { timeout: 90_000, interval: 1_000 }).toBeLessThan(NEAR);
}, 130_000);

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

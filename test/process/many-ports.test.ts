import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { runHealthcheck, startSallyport } from '../helpers/program.ts';
import { closedPort, closedRange, readAll, tcpClient, tcpServer } from '../helpers/sockets.ts';

const COUNT = 1_000;
/** How many routes the log lists. */
const SHOWN = 8;

/** The ports on which a process's network listens for TCP (proc(5)). */
function listeningPorts(pid: number): ReadonlySet<number> {
  const lines = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'latin1').split('\n'),
  );
  return new Set(
    lines.flatMap((line) => {
      const [, port] = /:([0-9A-F]{4}) [0-9A-F]+:0000 0A /.exec(line) ?? [];
      return port === undefined ? [] : [Number.parseInt(port, 16)];
    }),
  );
}

test('a relay of 1,000 ports listens on all, relays on the last one, and is healthy', async () => {
  const { port: target } = await tcpServer((socket) => socket.end('found'));
  const low = await closedRange(COUNT);
  const last = low + COUNT - 1;
  const ports = Array.from({ length: COUNT }, (_, i) => low + i);
  // A target on loopback cannot have a port that the relay listens on.
  const environment = { TARGET: '127.0.0.1', PORT: ports.map((port) => `${port}:${target}`).join(' ') };
  const relay = startSallyport(environment);
  expect((await relay.line('listening'))['routes']).toEqual([
    ...ports.slice(0, SHOWN).map((port) => `${port}→127.0.0.1:${target}`),
    `and ${COUNT - SHOWN} more`,
  ]);
  const listening = listeningPorts(relay.process.pid ?? 0);
  expect(ports.filter((port) => !listening.has(port))).toEqual([]);
  expect((await readAll(await tcpClient(last))).toString()).toBe('found');
  expect(await runHealthcheck({ ...environment, SALLYPORT_RUN_DIR: relay.runDir })).toEqual({
    code: 0,
    output: 'healthy\n',
  });
});

test('more than 1,000 ports are a bad configuration', async () => {
  const low = await closedPort();
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `1-${COUNT} ${low}` });
  const { code, output } = await relay.ended;
  expect(code).toBe(78);
  expect(output).toContain('more than 1000 ports are listed');
});

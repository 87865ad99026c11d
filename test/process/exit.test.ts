import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, endOf, readAll, tcpClient, tcpServer } from '../helpers/sockets.ts';

test('bad configuration: all problems at once, exit 78, no stack trace, and nothing listens', async () => {
  const port = await closedPort();
  const relay = startSallyport({
    PORT: String(port),
    MODE: 'sctp',
    MAX_CONNECTIONS: '1e3',
    NAMESERVERS: 'dns.google',
  });
  const { code, output } = await relay.ended;
  expect(code).toBe(78);
  expect(output.trimEnd().split('\n')).toEqual([
    'sallyport: the configuration has 4 problems:',
    expect.stringMatching(/^TARGET is not set; it takes /),
    expect.stringMatching(/^MODE="sctp": /),
    expect.stringMatching(/^NAMESERVERS="dns.google": /),
    expect.stringMatching(/^MAX_CONNECTIONS="1e3": /),
  ]);
  const [error] = await once(connect(port, '127.0.0.1'), 'error');
  expect(error).toMatchObject({ code: 'ECONNREFUSED' });
});

test('a name that is nearly one of ours is warned about, and a setting without effect', async () => {
  const relay = startSallyport({
    TARGET: 'localhost',
    UDP_ANSWERS: '0',
    PORT: String(await closedPort()),
    NAMESERVER: '9.9.9.9',
  });
  const { level } = await relay.line('NAMESERVER is set but unknown: did you mean NAMESERVERS?');
  expect(level).toBe('warn');
  await relay.line('UDP_ANSWERS is set, but has no effect without MODE=udp, or a port with /udp');
});

test.each(['tcp', 'udp'].flatMap((MODE) => ['1', '2'].map((WORKERS) => ({ MODE, WORKERS }))))(
  'one port of two that cannot be listened on ends the program: exit 1 and the reason (%j)',
  async ({ MODE, WORKERS }) => {
    const [free, taken] = [await closedPort(), await closedPort()];
    const environment = { TARGET: 'localhost', MODE, WORKERS };
    const first = startSallyport({ ...environment, PORT: String(taken) });
    await first.line('listening');
    const second = startSallyport({ ...environment, PORT: `${free} ${taken}` });
    const { code, output } = await second.ended;
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`failed to listen on ${MODE} port ${taken}: .*EADDRINUSE`));
  },
);

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s lets the live connection finish, refuses new ones, and ends with 0',
  async (signal) => {
    const { port: target, server } = await tcpServer((socket) => {
      socket.resume().on('end', () => socket.end('whole reply'));
    });
    const port = await closedPort();
    const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:${target}` });
    await relay.line('listening');
    const reached = once(server, 'connection');
    const client = await tcpClient(port);
    await reached;

    relay.process.kill(signal);
    await relay.line('stopping');
    await expect(tcpClient(port)).rejects.toThrow('ECONNREFUSED');
    client.end('question');
    expect((await readAll(client)).toString()).toBe('whole reply');
    expect((await relay.ended).code).toBe(0);
  },
);

test('what is still live after DRAIN_TIMEOUT_MS is reset, and the program ends with 0', async () => {
  const { port: target } = await tcpServer((socket) => socket.write('hello'));
  const port = await closedPort();
  const relay = startSallyport({ TARGET: '127.0.0.1', PORT: `${port}:${target}`, DRAIN_TIMEOUT_MS: '100' });
  await relay.line('listening');
  const client = await tcpClient(port);
  await once(client, 'data');

  relay.process.kill('SIGTERM');
  expect(await endOf(client)).toBe('ECONNRESET');
  expect((await relay.ended).code).toBe(0);
});

test('a second signal resets what is still live and ends the program at once', async () => {
  const { port: target } = await tcpServer((socket) => socket.write('hello'));
  const port = await closedPort();
  const relay = startSallyport({
    TARGET: '127.0.0.1',
    PORT: `${port}:${target}`,
    DRAIN_TIMEOUT_MS: '600000',
  });
  await relay.line('listening');
  const client = await tcpClient(port);
  await once(client, 'data');

  relay.process.kill('SIGTERM');
  await relay.line('stopping');
  relay.process.kill('SIGINT');
  expect(await endOf(client)).toBe('ECONNRESET');
  expect((await relay.ended).code).toBe(0);
});

test.each([
  ['an error', "throw new Error('nobody catches this')"],
  ['a rejection', "Promise.reject(new Error('nobody catches this'))"],
])(
  '%s that nobody catches is logged, resets what is live, drained or not, and ends with 1',
  async (_what, fault) => {
    const { port: target } = await tcpServer((socket) => socket.write('hello'));
    const preload = join(temporaryDirectory(), 'fault.cjs');
    writeFileSync(preload, `process.on('SIGWINCH', () => { ${fault}; });`);
    const crashed = async (...signals: readonly NodeJS.Signals[]) => {
      const port = await closedPort();
      const relay = startSallyport({
        TARGET: '127.0.0.1',
        PORT: `${port}:${target}`,
        DRAIN_TIMEOUT_MS: '600000',
        NODE_OPTIONS: `--require=${preload}`,
      });
      await relay.line('listening');
      const client = await tcpClient(port);
      await once(client, 'data');
      for (const signal of signals) {
        relay.process.kill(signal);
        if (signal === 'SIGTERM') await relay.line('stopping');
      }
      expect(await endOf(client)).toBe('ECONNRESET');
      expect(await relay.line('failed')).toMatchObject({ level: 'fatal', err: 'nobody catches this' });
      expect((await relay.ended).code).toBe(1);
    };
    await Promise.all([crashed('SIGWINCH'), crashed('SIGTERM', 'SIGWINCH')]);
  },
);

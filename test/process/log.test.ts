import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { LINES } from '../../src/log/lines.ts';
import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { scrape } from '../helpers/metrics.ts';
import { runProgram, startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, readAll, tcpClient, tcpServer, udpSocket } from '../helpers/sockets.ts';

/** A verbose relay to a target's port. */
async function verboseRelay(target: number, environment: Readonly<Record<string, string>> = {}) {
  const port = await closedPort();
  const isProxy = environment['MODE'] === 'http-proxy';
  const relay = startSallyport({
    TARGET: '127.0.0.1',
    VERBOSE: '1',
    ...(isProxy
      ? { PORT: String(target), LISTEN: String(port), NAME_CHECK: 'off' }
      : { PORT: `${port}:${target}` }),
    ...environment,
  });
  await relay.line('listening');
  return { relay, port };
}

/** A target that says goodbye to whoever asks. */
async function speaker(answer: string) {
  const { port } = await tcpServer((socket) => void socket.once('data', () => socket.end(answer)));
  return port;
}

function fieldsOf({ time: _time, level: _level, msg: _msg, ...fields }: Readonly<Record<string, unknown>>) {
  return Object.keys(fields);
}

test.each(['1', '2'])('a finished TCP connection is one line (WORKERS=%s)', async (WORKERS) => {
  const port = await speaker('goodbye');
  const { relay, port: door } = await verboseRelay(port, { WORKERS });
  const client = await tcpClient(door);
  const from = `127.0.0.1:${client.localPort}`;
  client.end('hi');
  expect((await readAll(client)).toString()).toBe('goodbye');
  const line = await relay.line('connection ended');
  expect(line).toMatchObject({
    level: 'info',
    client: from,
    target: `127.0.0.1:${port}`,
    address: `127.0.0.1:${port}`,
    sent: 2,
    received: 7,
    ms: expect.any(Number),
    ending: 'finished',
  });
  expect(fieldsOf(line)).toEqual(LINES['connection ended']);
});

test('a finished HTTP exchange is one line with the same fields', async () => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
  const port = await speaker(answer);
  const { relay, port: door } = await verboseRelay(port, { MODE: 'http-proxy' });
  const client = await tcpClient(door);
  const from = `127.0.0.1:${client.localPort}`;
  client.end(`GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  expect((await readAll(client)).toString()).toMatch(/ok$/);
  const line = await relay.line('connection ended');
  expect(line).toMatchObject({
    client: from,
    target: `127.0.0.1:${port}`,
    address: `127.0.0.1:${port}`,
    received: answer.length,
    ending: 'finished',
  });
  expect(fieldsOf(line)).toEqual(LINES['connection ended']);
});

test('a finished UDP session is one line with the same fields', async () => {
  const server = await udpSocket();
  server.on('message', (_datagram, { port, address }) => server.send('goodbye', port, address));
  const { port } = server.address();
  const { relay, port: door } = await verboseRelay(port, { MODE: 'udp', UDP_TIMEOUT_MS: '1000' });
  const client = await udpSocket();
  client.send('hi', door, '127.0.0.1');
  const line = await relay.line('session ended');
  expect(line).toMatchObject({
    level: 'info',
    client: `127.0.0.1:${client.address().port}`,
    target: `127.0.0.1:${port}`,
    address: `127.0.0.1:${port}`,
    sent: 2,
    received: 7,
    ending: 'idle',
  });
  expect(fieldsOf(line)).toEqual(LINES['session ended']);
});

test.each(['tcp', 'http-proxy'])('a failure has the same fields, and a reason (MODE=%s)', async (MODE) => {
  const dead = await closedPort();
  const { relay, port } = await verboseRelay(dead, { MODE, VERBOSE: '0' });
  const client = await tcpClient(port);
  const from = `127.0.0.1:${client.localPort}`;
  client.write(`CONNECT 127.0.0.1:${dead} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  const line = await relay.line('target unreachable');
  expect(line).toMatchObject({
    level: 'warn',
    client: from,
    target: `127.0.0.1:${dead}`,
    address: null,
    err: expect.stringContaining('ECONNREFUSED'),
  });
  expect(fieldsOf(line)).toEqual(LINES['target unreachable']);
});

test('so has a UDP session that fails', async () => {
  const dead = await closedPort();
  const { relay, port } = await verboseRelay(dead, { MODE: 'udp', VERBOSE: '0' });
  const client = await udpSocket();
  client.send('hi', port, '127.0.0.1');
  const line = await relay.line('session failed');
  expect(line).toMatchObject({ level: 'warn', target: `127.0.0.1:${dead}`, sent: 2 });
  expect(fieldsOf(line)).toEqual(LINES['session failed']);
});

test.each(['1', '2'])('a burst of the same refusal is two lines (WORKERS=%s)', async (WORKERS) => {
  const { relay, port } = await verboseRelay(1, { MODE: 'http-proxy', VERBOSE: '0', WORKERS });
  for (let i = 0; i < 20; i++) {
    const client = await tcpClient(port);
    client.write('CONNECT other.test:443 HTTP/1.1\r\nHost: other.test\r\n\r\n');
    expect((await readAll(client)).toString()).toMatch(/^HTTP\/1.1 403 /);
  }
  relay.process.kill('SIGTERM');
  await relay.ended;
  const [first, rest, ...more] = relay.lines.filter(({ msg }) => msg.startsWith('refused'));
  expect(first).toMatchObject({ msg: 'refused', client: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
  expect(fieldsOf(first ?? {})).toEqual(LINES.refused);
  expect(rest).toMatchObject({ level: 'warn', client: '127.0.0.1', name: 'other.test:443', more: 19 });
  expect(rest?.msg).toMatch(/^refused 19 more in \d+ s$/);
  expect(fieldsOf(rest ?? {})).toEqual(['client', 'port', 'protocol', ...LINES.refused.slice(3), 'more']);
  expect(more).toEqual([]);
  expect(relay.lines.at(-1)).toMatchObject({ level: 'info', msg: 'stopped' });
});

test.each(['1', '2'])(
  'a client that asks for a new name each time is counted, and does not hide another one (WORKERS=%s)',
  async (WORKERS) => {
    const admin = await closedPort();
    const environment = { MODE: 'http-proxy', VERBOSE: '0', WORKERS, ADMIN_PORT: String(admin) };
    const { relay, port } = await verboseRelay(1, environment);
    const ask = async (localAddress: string, name: string) => {
      const client = await tcpClient(port, { localAddress });
      client.write(`CONNECT ${name}:443 HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
      expect((await readAll(client)).toString()).toMatch(/^HTTP\/1.1 403 /);
    };
    for (let i = 0; i < 100; i++) await ask('127.0.0.2', `n${i}.noise.test`);
    await ask('127.0.0.3', 'seldom.test');
    const said = await relay.line('refused');
    expect(said).toMatchObject({
      client: expect.stringMatching(/^127\.0\.0\.2:/),
      name: expect.stringMatching(/^n\d+\.noise\.test:443$/),
    });
    const metric = 'sallyport_log_lines_dropped_total{reason="budget"}';
    let dropped = 0;
    // What a worker has logged is counted a little later.
    const isShown = async () => {
      ({ [metric]: dropped = 0 } = await scrape(admin));
      const { stdout } = await runProgram('sallyport', ['status'], { SALLYPORT_RUN_DIR: relay.runDir });
      return dropped > 50 && stdout.includes(`\nlog lines dropped: ${dropped} beyond the budget, 0 `);
    };
    await expect.poll(isShown, { timeout: 10_000 }).toBe(true);

    relay.process.kill('SIGTERM');
    await relay.ended;
    const refusals = relay.lines.filter(({ msg }) => msg.startsWith('refused'));
    const full = refusals.filter(({ msg }) => msg === 'refused');
    expect(full.filter(({ name }) => name === 'seldom.test:443')).toHaveLength(1);
    const counted = refusals.filter(({ msg }) => msg !== 'refused');
    expect(full.length - 1 + counted.reduce((sum, { more }) => sum + Number(more), 0)).toBe(100);
    for (const line of counted)
      expect(line).toMatchObject({ client: '127.0.0.2', rule: 'not in TARGET', decision: 'refused' });
  },
);

test('a burst of failures is two lines, in whatever order the addresses of the target fail', async () => {
  const addresses = Array.from({ length: 6 }, (_, i) => a('api.test', `127.0.0.${i + 1}`));
  const nameserver = await scriptedServer(zone(addresses));
  const { relay, port } = await verboseRelay(await closedPort(), {
    TARGET: 'api.test',
    TARGET_SCOPE: 'any',
    PRE_RESOLVE: '1',
    NAMESERVERS: `127.0.0.1:${nameserver.port}`,
  });
  await relay.line('name resolved');
  const clients = await Promise.all(Array.from({ length: 20 }, () => tcpClient(port)));
  await Promise.allSettled(clients.map((client) => readAll(client)));
  relay.process.kill('SIGTERM');
  await relay.ended;
  const [first, rest, ...more] = relay.lines.filter(({ msg }) => msg.startsWith('target unreachable'));
  expect(first?.['err']).toMatch(/127\.0\.0\.1:.*127\.0\.0\.6:/);
  expect(rest).toMatchObject({ err: first?.['err'], more: 19 });
  expect(more).toEqual([]);
});

test('on a terminal, lines are for people', async () => {
  const taken = await closedPort();
  const { relay } = await verboseRelay(1, { PORT: String(taken) });
  const environment = {
    TARGET: 'localhost',
    PORT: `${taken}:1`,
    BLACKOUT: '1',
    SALLYPORT_RUN_DIR: temporaryDirectory(),
  };
  const program = join(import.meta.dirname, '../../dist/sallyport.js');
  const terminal = execFile('/usr/bin/script', ['-qec', `"${process.execPath}" "${program}"`, '/dev/null'], {
    env: environment,
  });
  let shown = '';
  terminal.stdout?.on('data', (chunk) => (shown += chunk));
  const [code] = (await once(terminal, 'close')) as [number];
  expect(code).toBe(1);
  expect(shown.split('\r\n')).toEqual([
    expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3}Z warn {2}blackout on by=start since=\S+Z until=null$/),
    expect.stringMatching(
      new RegExp(`^\\S+Z fatal failed err="failed to listen on tcp port ${taken}: .*EADDRINUSE.*"$`),
    ),
    '',
  ]);
  relay.process.kill('SIGTERM');
  await relay.ended;
});

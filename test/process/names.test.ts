import { expect, test } from 'vitest';

import { a, aaaa, scriptedServer, zone } from '../helpers/dns.ts';
import { startNamedRelay } from '../helpers/named-relay.ts';
import { startSallyport } from '../helpers/program.ts';
import { closedPort, endOf, readAll, tcpClient, tcpServer } from '../helpers/sockets.ts';

test('PRE_RESOLVE=1 asks NAMESERVERS, and passes over a dead address within one connection', async () => {
  const { port: target } = await tcpServer((socket) => socket.end('found'));
  const nameserver = await scriptedServer(
    zone([
      a('api.test', '127.0.0.1'),
      a('api.test', '127.0.0.2'),
      a('api.test', '127.0.0.3'),
      aaaa('api.test', '::1'),
    ]),
  );
  const { call } = await startNamedRelay(target, `127.0.0.1:${nameserver.port}`);
  for (let i = 0; i < 8; i++) expect(await call()).toBe('found');
});

test('PRE_RESOLVE=1 uses all addresses', async () => {
  const greet = (greeting: string) => (socket: { end: (text: string) => void }) => socket.end(greeting);
  const first = await tcpServer(greet('first'), '127.0.0.1');
  const second = await tcpServer(greet('second'), '127.0.0.2', first.port);
  expect(second.port).toBe(first.port);
  const nameserver = await scriptedServer(zone([a('api.test', '127.0.0.1'), a('api.test', '127.0.0.2')]));
  const { call } = await startNamedRelay(first.port, `127.0.0.1:${nameserver.port}`);
  const greetings = new Set<string>();
  for (let i = 0; i < 64; i++) greetings.add(await call());
  expect(greetings).toEqual(new Set(['first', 'second']));
});

test('with DNS down at the start the relay waits, says so once, and works when DNS is back', async () => {
  const { port: target } = await tcpServer((socket) => socket.end('found'));
  let isUp = false;
  const records = zone([a('api.test', '127.0.0.1')]);
  const nameserver = await scriptedServer((query, from) =>
    isUp ? records(query, from) : [Buffer.from('garbage')],
  );
  const refusing = await closedPort();
  const { relay, connect } = await startNamedRelay(
    target,
    `127.0.0.1:${refusing} 127.0.0.1:${nameserver.port}`,
  );
  const client = await connect();
  await relay.line('the name cannot be resolved; still trying');
  isUp = true;
  expect((await readAll(client)).toString()).toBe('found');
  expect(relay.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
});

test('the relay never dials itself: it says what to set', async () => {
  const port = await closedPort();
  const relay = startSallyport({ TARGET: 'localhost', TARGET_SCOPE: 'any', PORT: String(port) });
  await relay.line('listening');
  const client = await tcpClient(port);
  expect(await endOf(client)).toBe('ECONNRESET');
  const { err } = await relay.line('connection refused');
  expect(err).toContain('set PRE_RESOLVE=1');
  expect(relay.lines.filter(({ msg }) => msg === 'connection refused')).toHaveLength(1);
});

test('PRE_RESOLVE=0 asks the system at each connection', async () => {
  const { port: target } = await tcpServer((socket) => socket.end('found'));
  const port = await closedPort();
  const relay = startSallyport({ TARGET: 'localhost', TARGET_SCOPE: 'any', PORT: `${port}:${target}` });
  await relay.line('listening');
  expect((await readAll(await tcpClient(port))).toString()).toBe('found');
});

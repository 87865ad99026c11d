import * as dnsPacket from 'dns-packet';
import { expect, test } from 'vitest';

import { a, aaaa, reply, scriptedServer, zone } from '../helpers/dns.ts';
import { say } from '../helpers/http-relay.ts';
import { scrape } from '../helpers/metrics.ts';
import { startNamedRelay } from '../helpers/named-relay.ts';
import { runHealthcheck, runSallyport, startSallyport, temporaryDirectory } from '../helpers/program.ts';
import { closedPort, endOf, readAll, tcpClient, tcpServer, udpSocket } from '../helpers/sockets.ts';

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

/** So long that a client which waited for it would end the test. */
const FOR_EVER = { CONNECT_TIMEOUT_MS: '3600000' };

test.each(['1', '2'])('NXDOMAIN is told at once, by all that tell (WORKERS=%s)', async (WORKERS) => {
  const nameserver = await scriptedServer(zone([]));
  const admin = await closedPort();
  const environment = {
    ...FOR_EVER,
    WORKERS,
    ADMIN_PORT: `${admin}`,
    SALLYPORT_RUN_DIR: temporaryDirectory(),
  };
  const nameservers = `127.0.0.1:${nameserver.port}`;
  const { relay, port, connect } = await startNamedRelay(1, nameservers, environment);
  expect(await endOf(await connect())).toBe('ECONNRESET');

  const words = 'failed to connect to api.test:1: api.test does not exist (NXDOMAIN)';
  expect((await relay.line('target unreachable'))['err']).toBe(words);
  const status = async () => (await runSallyport(['status'], environment)).output;
  await expect.poll(status).toContain(words);
  expect(await status()).toMatch(new RegExp(`^${port} +1 +name not resolved$`, 'm'));
  expect(await scrape(admin)).toMatchObject({
    [`sallyport_refused_total{port="${port}",reason="name not resolved"}`]: 1,
  });
  const { output } = await runHealthcheck({
    ...environment,
    TARGET: 'api.test',
    PORT: `${port}:1`,
    TARGET_SCOPE: 'any',
    HTTP_HEALTHCHECK: '1',
  });
  expect(output).toMatch(
    /^unhealthy: no answer to GET .*; the relay failed .* does not exist \(NXDOMAIN\)\n$/,
  );
});

test.each(['1', '2'])(
  'a forward proxy tells a name that does not exist from one that nobody can tell about (WORKERS=%s)',
  async (WORKERS) => {
    const answered = zone([]);
    const nameserver = await scriptedServer((query, from) =>
      /^typo\./i.test(query.questions?.[0]?.name ?? '')
        ? answered(query, from)
        : [dnsPacket.encode(reply(query, { rcode: 2 }))],
    );
    const port = await closedPort();
    const relay = startSallyport({
      MODE: 'http-proxy',
      LISTEN: `${port}`,
      PORT: '443',
      TARGET: '*.w.test',
      PRE_RESOLVE: '1',
      NAMESERVERS: `127.0.0.1:${nameserver.port}`,
      CONNECT_TIMEOUT_MS: '3000',
      WORKERS,
    });
    await relay.line('listening');
    const answerFor = (name: string) => say(port, `CONNECT ${name}:443 HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
    expect(await answerFor('typo.w.test')).toMatch(
      /^HTTP\/1\.1 502 [^]*error=dns_error;[^]*\n.*: typo\.w\.test does not exist \(NXDOMAIN\)\n$/,
    );
    expect(await answerFor('dead.w.test')).toMatch(
      /^HTTP\/1\.1 504 [^]*error=dns_timeout;[^]*\n.*: no nameserver answers for dead\.w\.test A: .*SERVFAIL/,
    );
  },
);

test('a UDP session to a name that does not exist fails at once, and says so', async () => {
  const nameserver = await scriptedServer(zone([]));
  const admin = await closedPort();
  const { relay, port } = await startNamedRelay(1, `127.0.0.1:${nameserver.port}`, {
    ...FOR_EVER,
    MODE: 'udp',
    ADMIN_PORT: `${admin}`,
  });
  const client = await udpSocket();
  client.send('hi', port, '127.0.0.1');
  expect((await relay.line('session failed'))['err']).toContain('api.test does not exist (NXDOMAIN)');
  expect(await scrape(admin)).toMatchObject({
    [`sallyport_refused_total{port="${port}",reason="name not resolved"}`]: 1,
  });
});

test('the relay never dials itself: it says what to set', async () => {
  const port = await closedPort();
  const relay = startSallyport({ TARGET: 'localhost', TARGET_SCOPE: 'any', PORT: String(port) });
  await relay.line('listening');
  const client = await tcpClient(port);
  expect(await endOf(client)).toBe('ECONNRESET');
  const { err } = await relay.line('target unreachable');
  expect(err).toContain('set PRE_RESOLVE=1');
  expect(relay.lines.filter(({ msg }) => msg === 'target unreachable')).toHaveLength(1);
});

test('PRE_RESOLVE=0 asks the system at each connection', async () => {
  const { port: target } = await tcpServer((socket) => socket.end('found'));
  const port = await closedPort();
  const relay = startSallyport({ TARGET: 'localhost', TARGET_SCOPE: 'any', PORT: `${port}:${target}` });
  await relay.line('listening');
  expect((await readAll(await tcpClient(port))).toString()).toBe('found');
  const { output } = await runSallyport(['status'], { SALLYPORT_RUN_DIR: relay.runDir });
  expect(output).toMatch(/^localhost .*asked for at each connection +-$/m);
});

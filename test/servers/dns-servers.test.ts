import type { Socket } from 'node:net';

import { expect, test } from 'vitest';

import { startDnsmasq } from '../helpers/dnsmasq.ts';
import { startNamedRelay } from '../helpers/named-relay.ts';
import { closedPort, endOf, tcpServer, udpSocket } from '../helpers/sockets.ts';
import { startUnbound, trustedCa, type Unbound } from '../helpers/unbound.ts';

const greet = (greeting: string) => (socket: Socket) => socket.end(greeting);

const none = { udp: 0, tcp: 0, tls: 0, https: 0 };
// One question each for A and AAAA.
test.each<[string, (unbound: Unbound) => string, object]>([
  ['UDP', ({ port }) => `127.0.0.1:${port}`, { udp: 2 }],
  ['TCP', ({ port }) => `tcp://127.0.0.1:${port}`, { tcp: 2 }],
  ['TLS, verified by name', ({ tlsPort }) => `tls://127.0.0.1:${tlsPort}#api.test`, { tls: 2 }],
  ['TLS, verified by address', ({ tlsPort }) => `tls://127.0.0.1:${tlsPort}`, { tls: 2 }],
  ['HTTPS, verified by name', ({ httpsPort }) => `https://127.0.0.1:${httpsPort}#api.test`, { https: 2 }],
  ['HTTPS, verified by address', ({ httpsPort }) => `https://127.0.0.1:${httpsPort}/dns-query`, { https: 2 }],
])('unbound is asked over %s', async (_how, nameserver, asked) => {
  const { port } = await tcpServer(greet('found'));
  const unbound = await startUnbound({ test: ['api 60 A 127.0.0.1', 'api 60 AAAA ::1'] });
  const { relay, call } = await startNamedRelay(port, nameserver(unbound), trustedCa);
  expect(await call()).toBe('found');
  const { addresses } = await relay.line('name resolved');
  expect(new Set(addresses as string[])).toEqual(new Set(['127.0.0.1', '::1']));
  expect(await unbound.questions()).toEqual({ ...none, ...asked });
});

test.each<[string, (unbound: Unbound) => string]>([
  ['TLS', ({ tlsPort }) => `tls://127.0.0.1:${tlsPort}#other.test`],
  ['HTTPS', ({ httpsPort }) => `https://127.0.0.1:${httpsPort}/dns-query#other.test`],
])('a certificate for another name is refused over %s, and the next nameserver asked', async (_how, bad) => {
  const { port } = await tcpServer(greet('found'));
  const unbound = await startUnbound({ test: ['api 60 A 127.0.0.1'] });
  const alone = await startNamedRelay(port, bad(unbound), { ...trustedCa, CONNECT_TIMEOUT_MS: '300' });
  expect(await endOf(await alone.connect())).toBe('ECONNRESET');
  const { err } = await alone.relay.line('the name cannot be resolved; still trying');
  expect(JSON.stringify(err)).toContain("Host: other.test. is not in the cert's altnames");
  expect(await unbound.questions()).toEqual(none);

  const { call } = await startNamedRelay(port, `${bad(unbound)} 127.0.0.1:${unbound.port}`, trustedCa);
  expect(await call()).toBe('found');
});

test('a certificate of an unknown authority is refused', async () => {
  const unbound = await startUnbound({ test: ['api 60 A 127.0.0.1'] });
  const { tlsPort, httpsPort } = unbound;
  const { relay } = await startNamedRelay(1, `tls://127.0.0.1:${tlsPort} https://127.0.0.1:${httpsPort}`);
  const { err } = await relay.line('the name cannot be resolved; still trying');
  expect(JSON.stringify(err).match(/unable to (get|verify)[^;"]*/g)?.length).toBeGreaterThanOrEqual(2);
  expect(await unbound.questions()).toEqual(none);
});

test('dnsmasq forwards to unbound, which follows a chain of CNAMEs through three zones', async () => {
  const { port } = await tcpServer(greet('found'));
  const unbound = await startUnbound({
    test: ['api 60 CNAME edge.cdn.example.', 'pop 60 A 127.0.0.1'],
    'cdn.example': ['edge 60 CNAME lb.cloud.example.'],
    'cloud.example': ['lb 60 CNAME pop.test.'],
  });
  const forwarder = await closedPort();
  const dnsmasq = await startDnsmasq(forwarder, [`--server=127.0.0.1#${unbound.port}`]);
  const { call } = await startNamedRelay(port, `127.0.0.1:${forwarder}`);
  expect(await call()).toBe('found');
  await expect.poll(dnsmasq.output).toMatch(/forwarded api\.test to 127\.0\.0\.1/i);
});

test('an answer too long for UDP is fetched over TCP', async () => {
  const addresses = Array.from({ length: 200 }, (_, i) => `127.0.2.${i + 1}`);
  const unbound = await startUnbound({ test: addresses.map((address) => `api 60 A ${address}`) });
  const { relay } = await startNamedRelay(1, `127.0.0.1:${unbound.port}`);
  const line = await relay.line('name resolved');
  expect(line['addresses']).toEqual(addresses.toSorted().slice(0, 32));
  expect(await relay.line('more addresses than are used')).toMatchObject({ used: 32, leftOut: 168 });
  expect(await unbound.questions()).toEqual({ ...none, udp: 2, tcp: 1 });
});

test('A and AAAA are both used: IPv6 first, and IPv4 once it refuses', async () => {
  const v4 = await tcpServer(greet('IPv4'));
  const v6 = await tcpServer(greet('IPv6'), '::1', v4.port);
  const unbound = await startUnbound({ test: ['api 60 A 127.0.0.1', 'api 60 AAAA ::1'] });
  const { call } = await startNamedRelay(v4.port, `127.0.0.1:${unbound.port}`);
  expect(await call()).toBe('IPv6');
  v6.server.close();
  expect(await call()).toBe('IPv4');
});

test('a silent nameserver delays the first connection by half a second, and no later one', async () => {
  const { port } = await tcpServer(greet('found'));
  const unbound = await startUnbound({ test: ['api 60 A 127.0.0.1', 'api 60 AAAA ::1'] });
  const silent = await udpSocket();
  const unanswered = new Set<number>();
  silent.on('message', (bytes) => unanswered.add(bytes.readUInt16BE()));
  const { call } = await startNamedRelay(
    port,
    `127.0.0.1:${silent.address().port} 127.0.0.1:${unbound.port}`,
  );
  const startedAt = performance.now();
  expect(await call()).toBe('found');
  // The relay asks as it starts, just before it listens; a nameserver has 3 s in all.
  expect(performance.now() - startedAt).toBeLessThan(1_500);
  expect(unanswered.size).toBe(2); // A and AAAA, each of which may have been sent again
  expect(await call()).toBe('found');
  expect(unanswered.size).toBe(2);
});

test('SERVFAIL, NXDOMAIN, an empty answer and silence keep the last good addresses, and are said once', async () => {
  const { port } = await tcpServer(greet('found'));
  const ill = ['servfail', 'nxdomain', 'empty', 'silent'];
  const good = { test: ill.map((name) => `${name} 5 A 127.0.0.1`) };
  const unbound = await startUnbound(good);
  const forwarder = await closedPort();
  const dnsmasq = await startDnsmasq(forwarder, [`--server=127.0.0.1#${unbound.port}`, '--cache-size=0']);
  const relays = await Promise.all(
    ill.map((name) =>
      startNamedRelay(port, `127.0.0.1:${name === 'silent' ? forwarder : unbound.port}`, {
        TARGET: `${name}.test`,
      }),
    ),
  );
  for (const { call } of relays) expect(await call()).toBe('found');

  process.kill(dnsmasq.pid, 'SIGSTOP');
  // The delegation leads nowhere: unbound asks no nameserver on loopback.
  await unbound.rewrite({
    test: ['servfail 5 NS ns.servfail', 'ns.servfail 5 A 127.0.0.1', 'empty 5 TXT none'],
  });
  const problems = await Promise.all(
    relays.map(async ({ relay, call }) => {
      const line = await relay.line('the name cannot be resolved; still trying');
      expect(line['kept']).toEqual(['127.0.0.1']);
      expect(await call()).toBe('found');
      return JSON.stringify(line['err']);
    }),
  );
  expect(problems).toEqual([
    expect.stringContaining('SERVFAIL'),
    expect.stringContaining('NXDOMAIN'),
    expect.stringContaining('has no A record'),
    expect.stringContaining('silent for'),
  ]);

  await unbound.rewrite(good);
  process.kill(dnsmasq.pid, 'SIGCONT');
  for (const { relay, call } of relays) {
    await relay.line('the name can be resolved again');
    expect(await call()).toBe('found');
    expect(relay.lines.filter(({ msg }) => msg.includes('the name can'))).toHaveLength(2);
  }
});

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, test } from 'vitest';

import { dgramSockets } from '../../src/relay/udp/dgram-sockets.ts';
import { openUdpSockets } from '../../src/relay/udp/sockets.ts';
import { startDaemon, unconfined } from '../helpers/daemon.ts';
import { askUdp, dnsServer, namesOf, query } from '../helpers/dns-server.ts';
import { startDnsmasq } from '../helpers/dnsmasq.ts';
import { type Namespace, openNamespace, openStar } from '../helpers/namespaces.ts';
import { temporaryDirectory } from '../helpers/program.ts';
import { testLog } from '../helpers/relay.ts';
import { closedPort, udpSocket } from '../helpers/sockets.ts';

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, '../helpers/programs/dns-server.ts');
const names = () =>
  namesOf({ 'api.test': 'allowed', 'a.b.test': 'allowed', test: 'above', 'b.test': 'above', '': 'above' });

/** What dig says with these arguments; it hears nobody but whom it has asked. */
async function dig(port: number, ...args: readonly string[]): Promise<string> {
  const patience = ['+tries=1', '+time=10'];
  const { stdout } = await run('dig', ['@127.0.0.1', '-p', `${port}`, ...patience, ...args]);
  return stdout;
}

const ANSWER = /^api\.test\.\s+30\s+IN\s+A\s+127\.0\.0\.1$/m;
const NO_DATA = /status: NOERROR.*\n.*ANSWER: 0, AUTHORITY: 1[^]*\s5\s+IN\s+SOA\s/;

test.each<[args: string, expected: readonly (string | RegExp)[]]>([
  ['api.test', ['status: NOERROR', 'flags: qr aa rd ra;', ANSWER, 'EDNS: version: 0, flags:; udp: 1232']],
  ['api.test +tcp', [ANSWER]],
  ['api.test +tcp +keepopen api.test AAAA', [ANSWER, /\sAAAA\s+::1$/m]],
  ['api.test +noedns', [ANSWER, 'ADDITIONAL: 0']],
  ['api.test +norecurse', [ANSWER, 'flags: qr aa ra;']],
  ['api.test +bufsize=512 +dnssec', [ANSWER, 'flags: do; udp: 1232']],
  ['api.test +cdflag +adflag +zflag +aaonly +tcflag +raflag', [ANSWER, 'flags: qr aa rd ra;']],
  ['api.test +nsid +expire +subnet=10.0.0.0/8 +cookie=0102030405060708 +keepalive +tcp', [ANSWER]],
  ['api.test +padding=468', [ANSWER]],
  ['api.test +ednsopt=65001:00ff', [ANSWER]],
  ['api.test +ednsflags=0x7fff', [ANSWER, 'version: 0, flags:; udp']],
  ['api.test +edns=1 +noednsnegotiation', ['status: BADVERS', 'EDNS: version: 0']],
  ['api.test +edns=1', [ANSWER]],
  ['aPi.TesT', [/^aPi\.TesT\.\s+30\s+IN\s+A\s+127\.0\.0\.1$/m]],
  ['api.test ANY', [ANSWER]],
  ['api.test TYPE65280', [NO_DATA]],
  ['api.test HTTPS', [NO_DATA]],
  ['api.test DS +dnssec', [NO_DATA]],
  ['test', [NO_DATA]],
  ['. NS', [NO_DATA]],
  ['b.test A', [NO_DATA]],
  [
    'other.test AAAA',
    ['status: NXDOMAIN', /^test\.\s+5\s+IN\s+SOA\s+localhost\. nobody\.invalid\. 1 3600 1200 604800 5$/m],
  ],
  ['-x 10.0.0.1', ['status: NXDOMAIN']],
  ['version.bind CH TXT', ['status: REFUSED']],
  ['api.test AXFR', ['Transfer failed.']],
  ['api.test IXFR=1', ['Transfer failed.']],
  ['api.test +opcode=NOTIFY', ['opcode: NOTIFY, status: NOTIMP', 'EDNS: version: 0']],
  ['api.test +opcode=UPDATE +tcp', ['opcode: UPDATE, status: NOTIMP', 'EDNS: version: 0']],
  ['api.test +opcode=9 +noedns', ['opcode: RESERVED9, status: NOTIMP', 'ADDITIONAL: 0']],
  ['+header-only', ['status: FORMERR', 'EDNS: version: 0']],
  ['-y hmac-sha256:key:c2VjcmV0 api.test', [ANSWER]],
])('dig %s', async (args, expected) => {
  const { port } = await dnsServer({ names: names() });
  const said = await dig(port, ...args.split(' '));
  for (const text of expected) expect(said).toMatch(text);
  expect(said).not.toMatch(/malformed|bad packet|mismatch|unexpected|Warning: extra/i);
});

/** unbound on 127.0.0.1, which asks another server there for one zone. */
async function unboundTo(zone: string, to: number): Promise<number> {
  const port = await closedPort();
  const conf = join(temporaryDirectory(), 'unbound.conf');
  const lines = [
    'server:',
    `interface: 127.0.0.1@${port}`,
    'use-syslog: no',
    'username: ""',
    'chroot: ""',
    'pidfile: ""',
    'module-config: "iterator"',
    'use-caps-for-id: yes',
    'qname-minimisation: yes',
    'do-not-query-localhost: no',
    'local-zone: "test." nodefault',
    'forward-zone:',
    `name: "${zone}"`,
    `forward-addr: 127.0.0.1@${to}`,
  ];
  writeFileSync(conf, `${lines.join('\n')}\n`);
  await startDaemon(unconfined('/usr/sbin/unbound'), ['-d', '-c', conf], { ready: 'start of service' });
  return port;
}

/** BIND on 127.0.0.1, which asks another server there for one zone. */
async function bindTo(zone: string, to: number): Promise<number> {
  const port = await closedPort();
  const directory = temporaryDirectory();
  const conf = join(directory, 'named.conf');
  const lines = [
    'options {',
    `directory "${directory}";`,
    `pid-file "${directory}/pid";`,
    `session-keyfile "${directory}/key";`,
    `listen-on port ${port} { 127.0.0.1; };`,
    'listen-on-v6 { none; };',
    'dnssec-validation no;',
    'empty-zones-enable no;',
    '};',
    `zone "${zone}" { type forward; forward only; forwarders { 127.0.0.1 port ${to}; }; };`,
    'controls {};',
  ];
  writeFileSync(conf, `${lines.join('\n')}\n`);
  await startDaemon(unconfined('/usr/sbin/named'), ['-g', '-c', conf], { ready: 'all zones loaded' });
  return port;
}

async function dnsmasqTo(zone: string, to: number): Promise<number> {
  const port = await closedPort();
  await startDnsmasq(port, [`--server=${zone}127.0.0.1#${to}`, '--cache-size=1000']);
  return port;
}

describe.each([
  ['unbound, which asks it for all', (to: number) => unboundTo('.', to)],
  ['unbound, which asks it for one zone', (to: number) => unboundTo('test', to)],
  ['BIND, which asks it for all', (to: number) => bindTo('.', to)],
  ['BIND, which asks it for one zone', (to: number) => bindTo('test', to)],
  ['dnsmasq, which asks it for all', (to: number) => dnsmasqTo('', to)],
  ['dnsmasq, which asks it for one zone', (to: number) => dnsmasqTo('/test/', to)],
])('behind %s', (_, forward) => {
  test('names are answered, and what is not there is kept as long as it may be', async () => {
    const asked = names();
    const port = await forward((await dnsServer({ names: asked })).port);
    expect(await dig(port, 'api.test')).toMatch(
      /^api\.test\.\s+(?:[1-9]|[12]\d|30)\s+IN\s+A\s+127\.0\.0\.1$/m,
    );
    expect(await dig(port, 'a.b.test', 'AAAA')).toMatch(/\sIN\s+AAAA\s+::1$/m);
    expect(await dig(port, 'api.test', 'HTTPS')).toMatch(/status: NOERROR.*\n.*ANSWER: 0/);
    for (const [name, type, status] of [
      ['b.test', 'A', 'NOERROR'],
      ['a.other.test', 'A', 'NXDOMAIN'],
      ['other.test', 'A', 'NXDOMAIN'],
      ['x.y.b.test', 'A', 'NXDOMAIN'],
      ['x.api.test', 'A', 'NXDOMAIN'],
    ] as const) {
      const said = await dig(port, name, type);
      expect(said).toContain(`status: ${status}`);
      expect(said).toMatch(/\s[45]\s+IN\s+SOA\s/);
      const before = [...asked.asked];
      expect(await dig(port, name, type)).toContain(`status: ${status}`);
      expect(asked.asked).toEqual(before);
    }
  });
});

test('programs of the C library find an allowed name, and no other', async () => {
  const { wrap } = await openNamespace();
  await startDaemon(...wrap(process.execPath, [PROGRAM]), { ready: 'serves' });
  const { stdout } = await run(...wrap('getent', ['ahosts', 'api.test']));
  expect(stdout).toMatch(/^127\.0\.0\.1\s+STREAM api\.test\n/);
  await expect(run(...wrap('getent', ['ahosts', 'other.test']))).rejects.toMatchObject({ code: 2 });
});

/** What dig gets from a network of its own, one address a line. */
async function digFrom({ wrap }: Namespace, host: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(...wrap('dig', [`@${host}`, '+short', '+tries=1', '+time=10', ...args])).catch(
    ({ stdout: text }: { readonly stdout: string }) => ({ stdout: text }),
  );
  return stdout.trim();
}

test.each([['+notcp'], ['+tcp']])(
  'on each network a name leads to the addresses of that network, whichever was asked (dig %s)',
  async (how) => {
    const { center, leaves } = await openStar(2);
    const [one, two] = leaves as [Namespace, Namespace];
    const more = `
      ip address add 10.83.2.9/24 dev cable2
      ip -6 address show dev cable2 scope link | sed -n 's/.*inet6 \\([^/]*\\).*/\\1/p'
    `;
    const { stdout: linkLocal } = await run(...center.wrap('sh', ['-c', more]));
    await startDaemon(...center.wrap(process.execPath, [PROGRAM]), { ready: 'serves' });
    for (const [from, host, v4, v6] of [
      [one, '10.83.1.1', '10.83.1.1', 'fd83:1::1'],
      [one, 'fd83:1::1', '10.83.1.1', 'fd83:1::1'],
      [two, '10.83.2.1', '10.83.2.1', 'fd83:2::1'],
      [two, '10.83.2.9', '10.83.2.9', 'fd83:2::1'],
      [two, 'fd83:2::1', '10.83.2.1', 'fd83:2::1'],
      [two, `${linkLocal.trim()}%cable`, '10.83.2.1', 'fd83:2::1'],
    ] as const) {
      expect([
        await digFrom(from, host, 'api.test', how),
        await digFrom(from, host, 'api.test', 'AAAA', how),
      ]).toEqual([v4, v6]);
    }
  },
);

test('an address that comes later is found, and one that is gone is not', async () => {
  const { center, leaves } = await openStar(1);
  const [leaf] = leaves as [Namespace];
  await startDaemon(...center.wrap(process.execPath, [PROGRAM]), { ready: 'serves' });
  const neighbour = () => digFrom(leaf, '10.83.1.1', 'api.test', 'AAAA');
  expect(await neighbour()).toBe('fd83:1::1');
  const change = `
    ip address delete fd83:1::1/64 dev cable1
    ip address add fd83:1::9/64 dev cable1 nodad
  `;
  await run(...center.wrap('sh', ['-c', change]));
  await expect.poll(neighbour).toBe('fd83:1::9');
});

test('it listens at the addresses of BIND, and takes what comes by their network alone', async () => {
  const { center, leaves } = await openStar(2);
  const [stranger, friend] = leaves as [Namespace, Namespace];
  const env = { ...process.env, BIND: '10.83.2.1 fd83:2::1' };
  await startDaemon(...center.wrap(process.execPath, [PROGRAM]), { ready: 'serves', env });
  const routes = 'ip route replace 10.83.2.1 via 10.83.1.1 && ip -6 route replace fd83:2::1 via fd83:1::1';
  await run(...stranger.wrap('sh', ['-c', routes]));
  for (const host of ['10.83.2.1', 'fd83:2::1']) {
    for (const how of ['+notcp', '+tcp']) {
      const misled = await digFrom(stranger, host, 'api.test', how, '+time=1');
      expect(misled).toContain('no servers could be reached');
      expect(await digFrom(friend, host, 'api.test', how)).toBe('10.83.2.1');
    }
  }
  expect(await digFrom(stranger, '10.83.1.1', 'api.test', '+time=1')).toContain('connection refused');
});

/** Sends a question from port 0 of loopback, as no socket does but a raw one. */
const fromNowhere = `
import socket, struct, sys
question = bytes.fromhex(sys.argv[2])
header = struct.pack('!HHHH', 0, int(sys.argv[1]), 8 + len(question), 0)
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP).sendto(header + question, ('127.0.0.1', 0))
`;

test.each([
  ['bare sockets', () => openUdpSockets(testLog())],
  ['node:dgram', async () => dgramSockets()],
])('a question from port 0, where no answer can go, harms nobody (%s)', async (_, open) => {
  const asked = names();
  const { port } = await dnsServer({ names: asked, sockets: await open() });
  await run('python3', ['-c', fromNowhere, `${port}`, query('nowhere.test', 'A').toString('hex')]);
  expect((await askUdp(query('api.test', 'A'), { port })).rcode).toBe('NOERROR');
  expect(asked.asked).toEqual(['nowhere.test', 'api.test']);
});

test('it goes on answering through a flood of questions, some of them malformed', async () => {
  const { port } = await dnsServer({ names: names() });
  const flooder = await udpSocket();
  const junk = Array.from({ length: 100 }, (_, i) =>
    query(`n${i}.flood.example`, 'A', i).subarray(0, i % 3 === 0 ? 20 : undefined),
  );
  for (let round = 0; round < 100; round++) {
    for (const datagram of junk) flooder.send(datagram, port, '127.0.0.1');
    expect((await askUdp(query('api.test', 'A', round), { port })).id).toBe(round);
  }
});

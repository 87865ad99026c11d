import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';

import * as dnsPacket from 'dns-packet';
import type { Answer as Record } from 'dns-packet';
import { expect, onTestFinished, test } from 'vitest';

import { createSystemResolver } from '../../src/dns/system.ts';
import { isFinal } from '../../src/lib/resolve-error.ts';
import { a, aaaa, reply, type Script, scriptedServer, zone } from '../helpers/dns.ts';
import { temporaryDirectory } from '../helpers/program.ts';

const { signal } = new AbortController();
const SERVFAIL = 2;

/** The resolver of a container with these files; without nsswitch.conf glibc's order holds. */
async function container(
  files: { readonly hosts?: string; readonly nsswitch?: string; readonly resolv?: string },
  script: Script,
) {
  const directory = temporaryDirectory();
  const write = (file: string, text: string) => writeFileSync(join(directory, file), text);
  const server = await scriptedServer(script);
  const { hosts = '', nsswitch, resolv = '' } = files;
  write('hosts', hosts);
  if (nsswitch !== undefined) write('nsswitch.conf', nsswitch);
  write('resolv.conf', `nameserver 127.0.0.1\n${resolv}`);
  const resolve = createSystemResolver({ directory, port: server.port });
  return {
    write,
    resolve,
    addresses: async (name: string) =>
      (await resolve(name, ['A', 'AAAA'], signal)).records.map(({ address }) => address).toSorted(),
    /** The names that were asked for, each once. */
    asked: () => [...new Set(server.queries.map(({ questions }) => questions?.[0]?.name.toLowerCase()))],
  };
}

const fails: Script = (query, { over }) => [
  (over === 'tcp' ? dnsPacket.streamEncode : dnsPacket.encode)(reply(query, { rcode: SERVFAIL })),
];

/** A zone, but for names that nobody can tell about. */
function zoneBut(failing: readonly string[], records: readonly Record[]): Script {
  return (query, from) => {
    const name = query.questions?.[0]?.name.toLowerCase() ?? '';
    return (failing.includes(name) ? fails : zone(records))(query, from);
  };
}

test('the hosts file comes first, and its names are asked of nobody', async () => {
  const { addresses, asked } = await container(
    { hosts: '10.0.0.1 api.test\nfd00::1 api.test\n' },
    zone([a('api.test', '10.0.0.9'), a('other.test', '10.0.0.2'), aaaa('other.test', 'fd00::2')]),
  );
  expect(await addresses('API.test')).toEqual(['10.0.0.1', 'fd00::1']);
  expect(asked()).toEqual([]);
  expect(await addresses('other.test')).toEqual(['10.0.0.2', 'fd00::2']);
});

test.each([
  ['hosts: files dns', '10.0.0.1', []],
  ['hosts: dns files', '10.0.0.9', ['api.test']],
  ['hosts: mdns4_minimal [NOTFOUND=return] files dns', '10.0.0.1', []],
])('nsswitch.conf’s order holds: %s', async (nsswitch, address, names) => {
  const { addresses, asked } = await container(
    { nsswitch, hosts: '10.0.0.1 api.test' },
    zone([a('api.test', '10.0.0.9')]),
  );
  expect(await addresses('api.test')).toEqual([address]);
  expect(asked()).toEqual(names);
});

test.each([
  ['hosts: dns files', fails, '10.0.0.1'],
  ['hosts: dns files', zone([]), '10.0.0.1'],
  ['hosts: dns [NOTFOUND=return] files', fails, '10.0.0.1'],
  ['hosts: dns [NOTFOUND=return] files', zone([]), 'api.test does not exist (NXDOMAIN)'],
  ['hosts: dns [TRYAGAIN=return] files', fails, 'it answered SERVFAIL'],
])('%s: where the nameserver has no address, it is %3$s', async (nsswitch, script, expected) => {
  const { addresses } = await container({ nsswitch, hosts: '10.0.0.1 api.test' }, script);
  const found = await addresses('api.test').catch((cause: Error) => [cause.message]);
  expect(found.join()).toContain(expected);
});

test('a name that is in no file that nsswitch.conf names has no address', async () => {
  const files = await container({ nsswitch: 'hosts: files' }, zone([a('api.test', '10.0.0.9')]));
  await expect(files.addresses('api.test')).rejects.toThrow(/^api\.test has no address in .*\/hosts$/);
  expect(files.asked()).toEqual([]);
});

test('localhost and the names below it are loopback, whatever the nameserver says, unless the hosts file does', async () => {
  const records = [a('localhost', '10.0.0.9'), a('db.localhost', '10.0.0.9')];
  const { addresses, asked } = await container({ hosts: '127.0.0.5 here.localhost' }, zone(records));
  expect(await addresses('localhost')).toEqual(['127.0.0.1', '::1']);
  expect(await addresses('db.LOCALHOST.')).toEqual(['127.0.0.1', '::1']);
  expect(await addresses('here.localhost')).toEqual(['127.0.0.5']);
  expect(asked()).toEqual([]);
});

test.each([
  ['search a.test b.test', 'web', ['web.a.test', 'web.b.test'], '10.0.0.2'],
  ['search a.test b.test', 'web.b.test', ['web.b.test'], '10.0.0.2'],
  ['search a.test b.test\noptions ndots:0', 'web', ['web'], '10.0.0.9'],
  ['search a.test b.test', 'only.c', ['only.c', 'only.c.a.test'], '10.0.0.3'],
  ['search a.test b.test\noptions ndots:2', 'only.c', ['only.c.a.test'], '10.0.0.3'],
  ['search a.test b.test', 'web.', ['web'], '10.0.0.9'],
  ['domain c.test', 'web', ['web.c.test', 'web'], '10.0.0.9'],
])('with %j, %s is asked for as %j', async (resolv, name, names, address) => {
  const records = [a('web.b.test', '10.0.0.2'), a('web', '10.0.0.9'), a('only.c.a.test', '10.0.0.3')];
  const { addresses, asked } = await container({ resolv }, zone(records));
  expect(await addresses(name)).toEqual([address]);
  expect(asked()).toEqual(names);
});

test('a name that nobody has is told as that, in all its forms', async () => {
  const { addresses } = await container({ resolv: 'search a.test' }, zone([]));
  const cause = await addresses('web').catch((error: unknown) => error);
  expect(isFinal(cause)).toBe(true);
  expect(String(cause)).toContain('web does not exist (NXDOMAIN); web.a.test does not exist (NXDOMAIN)');
});

test('a name that DNS cannot hold is asked of nobody, and that is definite', async () => {
  const { addresses, asked } = await container({ resolv: 'search a.test' }, zone([]));
  for (const name of ['x'.repeat(64), 'a..b', `${'x'.repeat(64)}.`]) {
    const cause = await addresses(name).catch((error: unknown) => error);
    expect(String(cause)).toContain(`${name} is no name that DNS can hold`);
    expect(isFinal(cause)).toBe(true);
  }
  expect(asked()).toEqual([]);
});

test('a nameserver’s failure below one search domain does not end the search, and is no last word', async () => {
  const records = [a('web.b.test', '10.0.0.2')];
  const { addresses, asked } = await container(
    { resolv: 'search a.test b.test' },
    zoneBut(['web.a.test', 'none.a.test'], records),
  );
  expect(await addresses('web')).toEqual(['10.0.0.2']);
  const cause = await addresses('none').catch((error: unknown) => error);
  expect(isFinal(cause)).toBe(false);
  expect(String(cause)).toContain('it answered SERVFAIL');
  expect(asked()).toContain('none.b.test');
});

test('a name that nobody can tell about as it is is searched for, as by glibc', async () => {
  const { addresses, asked } = await container(
    { resolv: 'search a.test' },
    zoneBut(['db.eu'], [a('db.eu.a.test', '10.0.0.2')]),
  );
  expect(await addresses('db.eu')).toEqual(['10.0.0.2']);
  expect(asked()).toEqual(['db.eu', 'db.eu.a.test']);
});

test('where IPv4 alone is wanted, ::1 and mapped addresses of the hosts file count as IPv4, as by glibc', async () => {
  const { resolve } = await container(
    { hosts: '::1 api.test\n::ffff:10.0.0.1 api.test\n10.0.0.1 api.test\nfd00::1 api.test' },
    zone([]),
  );
  const found = (await resolve('api.test', ['A'], signal)).records.map(({ address }) => address);
  expect(found).toEqual(['127.0.0.1', '10.0.0.1']);
});

test('a nameserver that is silent is asked again, as often as resolv.conf says', async () => {
  let heard = 0;
  const { addresses } = await container(
    { resolv: 'options timeout:1 attempts:3 no-aaaa use-vc' },
    (query, from) => (++heard < 3 ? [] : zone([a('api.test', '10.0.0.1')])(query, from)),
  );
  expect(await addresses('api.test')).toEqual(['10.0.0.1']);
  expect(heard).toBe(3);
});

test('nameservers are asked in the order of the file each time, as the next may know other names', async () => {
  const directory = temporaryDirectory();
  const second = await scriptedServer(zone([]));
  const first = createServer().listen(second.port, '127.0.0.2');
  onTestFinished(() => void first.close());
  await once(first, 'listening');
  let isSlow = true;
  first.on('connection', (socket: Socket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes: Buffer) => {
      const query = dnsPacket.streamDecode(bytes) as dnsPacket.DecodedPacket;
      const name = query.questions?.[0]?.name ?? '';
      // Slower than a public nameserver would be given, and well within this one's timeout.
      if (isSlow) setTimeout(answer, 700);
      else answer();
      function answer(): void {
        socket.write(dnsPacket.streamEncode(reply(query, { answers: [a(name, '10.0.0.1')] })));
      }
    });
  });
  writeFileSync(
    join(directory, 'resolv.conf'),
    'nameserver 127.0.0.2\nnameserver 127.0.0.1\noptions use-vc no-aaaa timeout:30\n',
  );
  const resolve = createSystemResolver({ directory, port: second.port });
  expect((await resolve('one.test', ['A'], signal)).records).toMatchObject([{ address: '10.0.0.1' }]);
  isSlow = false;
  expect((await resolve('two.test', ['A'], signal)).records).toMatchObject([{ address: '10.0.0.1' }]);
  expect(second.queries).toEqual([]);
});

test('the files are read anew when they change', async () => {
  const { write, addresses } = await container(
    { hosts: '10.0.0.1 api.test' },
    zone([a('web.a.test', '10.0.0.2'), a('web.b.test', '10.0.0.3')]),
  );
  expect(await addresses('api.test')).toEqual(['10.0.0.1']);
  write('hosts', '10.0.0.7 api.test');
  expect(await addresses('api.test')).toEqual(['10.0.0.7']);
  await expect(addresses('web')).rejects.toThrow('NXDOMAIN');
  write('resolv.conf', 'nameserver 127.0.0.1\nsearch b.test\n');
  expect(await addresses('web')).toEqual(['10.0.0.3']);
});

test('an answer may be kept for 30 s at most', async () => {
  const records = [a('long.test', '10.0.0.1', 600), a('short.test', '10.0.0.1', 7)];
  const { resolve } = await container({ hosts: '10.0.0.2 api.test' }, zone(records));
  const ttls = async (name: string) => (await resolve(name, ['A'], signal)).records.map(({ ttl }) => ttl);
  expect(await ttls('long.test')).toEqual([30]);
  expect(await ttls('short.test')).toEqual([7]);
  expect(await ttls('api.test')).toEqual([30]);
});

test('addresses of one family alone are asked for where the other is of no use', async () => {
  const { resolve } = await container(
    { hosts: 'fd00::6 v6.test\n10.0.0.1 both.test\nfd00::1 both.test' },
    zone([]),
  );
  expect((await resolve('both.test', ['A'], signal)).records).toMatchObject([{ address: '10.0.0.1' }]);
  await expect(resolve('v6.test', ['A'], signal)).rejects.toThrow('NXDOMAIN');
});

test('a lookup that is given up closes its sockets and asks no more', async () => {
  const directory = temporaryDirectory();
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  writeFileSync(
    join(directory, 'resolv.conf'),
    'nameserver 127.0.0.1\nsearch a.test b.test\noptions use-vc no-aaaa attempts:5\n',
  );
  let connections = 0;
  server.on('connection', () => connections++);
  const leaving = new AbortController();
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const lookup = createSystemResolver({ directory, port })('web', ['A'], leaving.signal);
  const [socket] = await connected;
  const ended = once(
    socket.resume().on('error', () => {}),
    'close',
  );
  leaving.abort(new Error('nobody waits'));
  await expect(lookup).rejects.toThrow('nobody waits');
  await ended;
  expect(connections).toBe(1);
});

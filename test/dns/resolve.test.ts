import * as dnsPacket from 'dns-packet';
import { expect, test } from 'vitest';

import { resolveAddresses } from '../../src/dns/resolve.ts';
import { a, aaaa, cname, reply, scriptedServer, type Script, zone } from '../helpers/dns.ts';
import { closedPort } from '../helpers/sockets.ts';

const { signal } = new AbortController();
const answering =
  (rcode: number): Script =>
  (query) => [dnsPacket.encode(reply(query, { rcode }))];
const SERVFAIL = 2;
const REFUSED = 5;

async function addressesOf(name: string, scripts: readonly Script[]): Promise<readonly string[]> {
  const nameservers = await Promise.all(scripts.map((script) => scriptedServer(script)));
  return (await resolveAddresses(name, { nameservers, signal })).map(({ address }) => address);
}

test('resolveAddresses() gives all A and AAAA records with their TTLs', async () => {
  const server = await scriptedServer(
    zone([
      a('api.test', '192.0.2.1', 30),
      a('api.test', '192.0.2.2', 30),
      aaaa('api.test', '2001:db8::1', 40),
    ]),
  );
  expect(await resolveAddresses('api.test', { nameservers: [server], signal })).toEqual([
    { address: '192.0.2.1', family: 4, ttl: 30 },
    { address: '192.0.2.2', family: 4, ttl: 30 },
    { address: '2001:db8::1', family: 6, ttl: 40 },
  ]);
});

test('resolveAddresses() follows a CNAME chain that one answer holds whole', async () => {
  const whole: Script = (query) => {
    const answers = [
      cname('api.test', 'Edge.test'),
      cname('edge.test', 'pop.test'),
      a('POP.test', '192.0.2.7'),
    ];
    return [dnsPacket.encode(reply(query, { answers }))];
  };
  expect(await addressesOf('api.test', [whole])).toEqual(['192.0.2.7']);
});

test('resolveAddresses() asks on where an answer holds only the start of a CNAME chain', async () => {
  const links = zone([
    cname('api.test', 'edge.test'),
    cname('edge.test', 'pop.test'),
    a('pop.test', '192.0.2.8'),
  ]);
  expect(await addressesOf('api.test', [links])).toEqual(['192.0.2.8']);
});

test('resolveAddresses() takes no address whose owner is not on the chain', async () => {
  const stuffed: Script = (query) => {
    const answers = [
      cname('api.test', 'edge.test'),
      a('edge.test', '192.0.2.9'),
      a('evil.test', '203.0.113.66'),
    ];
    return [dnsPacket.encode(reply(query, { answers }))];
  };
  expect(await addressesOf('api.test', [stuffed])).toEqual(['192.0.2.9']);
});

test.each([
  [
    'in one answer',
    (query: dnsPacket.DecodedPacket) =>
      reply(query, { answers: [cname('api.test', 'b.test'), cname('b.test', 'api.test')] }),
  ],
  [
    'over many answers',
    (query: dnsPacket.DecodedPacket) => {
      const name = query.questions?.[0]?.name ?? '';
      return reply(query, { answers: [cname(name, `x${name}`)] });
    },
  ],
])('resolveAddresses() gives up on a CNAME chain without end: %s', async (_where, packet) => {
  await expect(addressesOf('api.test', [(query) => [dnsPacket.encode(packet(query))]])).rejects.toThrow(
    'has no end',
  );
});

test.each([
  ['fails', answering(SERVFAIL)],
  ['refuses', answering(REFUSED)],
  ['is silent', () => []],
])(
  'resolveAddresses() asks the next nameserver when one %s, within 2 s',
  { timeout: 3_900 },
  async (_how, bad) => {
    expect(await addressesOf('api.test', [bad, zone([a('api.test', '192.0.2.1')])])).toEqual(['192.0.2.1']);
  },
);

test('resolveAddresses() asks the next nameserver at once when nothing listens at the first', async () => {
  const port = await closedPort();
  const good = await scriptedServer(zone([a('api.test', '192.0.2.1')]));
  const nameservers = [{ address: '127.0.0.1', port }, good];
  expect(await resolveAddresses('api.test', { nameservers, signal })).toMatchObject([
    { address: '192.0.2.1' },
  ]);
});

test('resolveAddresses() takes NXDOMAIN as the last word', async () => {
  const other = await scriptedServer(zone([a('api.test', '192.0.2.1')]));
  const first = await scriptedServer(zone([]));
  await expect(resolveAddresses('api.test', { nameservers: [first, other], signal })).rejects.toThrow(
    'api.test does not exist',
  );
  expect(other.queries).toHaveLength(0);
});

test('resolveAddresses() rejects for a name without any address', async () => {
  await expect(addressesOf('api.test', [answering(0)])).rejects.toThrow('api.test has no address');
});

test('resolveAddresses() says what each nameserver did when none answered', async () => {
  const nameservers = [await scriptedServer(answering(SERVFAIL)), await scriptedServer(answering(REFUSED))];
  const [first, second] = nameservers.map(({ port }) => port);
  await expect(resolveAddresses('api.test', { nameservers, signal })).rejects.toThrow(
    `no nameserver answered for api.test A: 127.0.0.1:${first}: answered SERVFAIL; 127.0.0.1:${second}: answered REFUSED`,
  );
});

test('resolveAddresses() makes do with one record type when the other fails', async () => {
  const half: Script = (query, from) =>
    query.questions?.[0]?.type === 'A'
      ? zone([a('api.test', '192.0.2.1')])(query, from)
      : answering(SERVFAIL)(query, from);
  expect(await addressesOf('api.test', [half])).toEqual(['192.0.2.1']);
});

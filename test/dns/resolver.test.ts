import * as dnsPacket from 'dns-packet';
import { expect, test } from 'vitest';

import { createResolver } from '../../src/dns/resolver.ts';
import {
  a,
  aaaa,
  cname,
  countQuestions,
  plainNameserver,
  rawMessage,
  rawQuestion,
  rawRecord,
  reply,
  scriptedServer,
  type Script,
  truncated,
  zone,
} from '../helpers/dns.ts';
import { closedPort } from '../helpers/sockets.ts';

const { signal } = new AbortController();

type Server = Parameters<typeof plainNameserver>[0];
const createPlainResolver = (servers: readonly Server[]) => {
  const resolver = createResolver(servers.map((server) => plainNameserver(server)));
  return async (...args: Parameters<typeof resolver>) => (await resolver(...args)).records;
};
const resolve = (name: string, servers: readonly Server[]) =>
  createPlainResolver(servers)(name, ['A', 'AAAA'], signal);

const answering =
  (rcode: number): Script =>
  (query) => [dnsPacket.encode(reply(query, { rcode }))];
const SERVFAIL = 2;
const REFUSED = 5;

async function addressesOf(name: string, scripts: readonly Script[]): Promise<readonly string[]> {
  const nameservers = await Promise.all(scripts.map((script) => scriptedServer(script)));
  return (await resolve(name, nameservers)).map(({ address }) => address);
}

test('resolver gives all A and AAAA records with their TTLs', async () => {
  const server = await scriptedServer(
    zone([
      a('api.test', '192.0.2.1', 30),
      a('api.test', '192.0.2.2', 30),
      aaaa('api.test', '2001:db8::1', 40),
    ]),
  );
  expect(await resolve('api.test', [server])).toEqual([
    { address: '192.0.2.1', family: 4, ttl: 30 },
    { address: '192.0.2.2', family: 4, ttl: 30 },
    { address: '2001:db8::1', family: 6, ttl: 40 },
  ]);
});

test('resolver gives 32 addresses of thousands, of both families, and counts the others', async () => {
  const whole = zone([
    ...Array.from({ length: 1_000 }, (_, i) => a('m.test', `10.0.${i >> 8}.${i & 255}`)),
    ...Array.from({ length: 1_000 }, (_, i) => aaaa('m.test', `2001:db8::${i.toString(16)}`)),
  ]);
  const server = await scriptedServer((query, from) =>
    from.over === 'tcp' ? whole(query, from) : [truncated(query)],
  );
  const { records, leftOut } = await createResolver([plainNameserver(server)])(
    'm.test',
    ['A', 'AAAA'],
    signal,
  );
  expect(records.filter(({ family }) => family === 4)).toHaveLength(16);
  expect(records.filter(({ family }) => family === 6)).toHaveLength(16);
  expect(leftOut).toBe(1_968);
});

test('resolver follows a CNAME chain that one answer holds whole', async () => {
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

test('resolver asks on where an answer holds only the start of a CNAME chain', async () => {
  const links = zone([
    cname('api.test', 'edge.test'),
    cname('edge.test', 'pop.test'),
    a('pop.test', '192.0.2.8'),
  ]);
  expect(await addressesOf('api.test', [links])).toEqual(['192.0.2.8']);
});

test('resolver takes no address whose owner is not on the chain', async () => {
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
])('resolver gives up on a CNAME chain of more than 16 links: %s', async (_where, packet) => {
  await expect(addressesOf('api.test', [(query) => [dnsPacket.encode(packet(query))]])).rejects.toThrow(
    'longer than 16',
  );
});

/** Addresses of 3 bytes. */
const cutShort: Script = ({ id = 0, questions = [] }) => {
  const asked = questions.map(({ name, type }) => rawQuestion(name, { type: type === 'A' ? 1 : 28 }));
  return [
    rawMessage({ id, questions: asked, answers: [rawRecord(1, [192, 0, 2]), rawRecord(28, [192, 0, 2])] }),
  ];
};

test.each<[how: string, bad: Script]>([
  ['fails', answering(SERVFAIL)],
  ['refuses', answering(REFUSED)],
  ['is silent', () => []],
  ['is lame', (query) => [dnsPacket.encode(reply(query, { flags: 0 }))]],
  ['answers with cut addresses', cutShort],
])('resolver asks the next nameserver when one %s, within 2 s', { timeout: 3_900 }, async (_how, bad) => {
  expect(await addressesOf('api.test', [bad, zone([a('api.test', '192.0.2.1')])])).toEqual(['192.0.2.1']);
});

test('resolver asks the next nameserver at once when nothing listens at the first', async () => {
  const port = await closedPort();
  const good = await scriptedServer(zone([a('api.test', '192.0.2.1')]));
  const nameservers = [{ address: '127.0.0.1', port }, good];
  expect(await resolve('api.test', nameservers)).toMatchObject([{ address: '192.0.2.1' }]);
});

test('resolver says of a silent nameserver how long it had, in the same words each time', async () => {
  const silent = await scriptedServer(() => []);
  const resolver = createResolver([plainNameserver(silent)], { timeout: 20 });
  const problem = `${silent.address}:${silent.port}: silent for 20 ms`;
  for (let i = 0; i < 2; i++)
    await expect(resolver('api.test', ['A'], signal)).rejects.toThrow(
      `no nameserver answers for api.test A: ${problem}`,
    );
});

test('resolver takes NXDOMAIN as the last word', async () => {
  const other = await scriptedServer(zone([a('api.test', '192.0.2.1')]));
  const first = await scriptedServer(zone([]));
  await expect(resolve('api.test', [first, other])).rejects.toThrow('api.test does not exist');
  expect(other.queries).toHaveLength(0);
});

test('resolver rejects for a name without any address', async () => {
  await expect(addressesOf('api.test', [answering(0)])).rejects.toThrow(
    'api.test has no A record; api.test has no AAAA record',
  );
});

test.each<[definite: boolean, what: string, script: Script]>([
  [true, 'the name does not exist', zone([])],
  [true, 'it has no address', answering(0)],
  [false, 'there is no answer', answering(SERVFAIL)],
  [
    false,
    'only one record type is answered, with none',
    (query, from) => answering(query.questions?.[0]?.type === 'A' ? 0 : SERVFAIL)(query, from),
  ],
])('resolver says whether a failure is definite: %s where %s', async (isFinal, _what, script) => {
  const server = await scriptedServer(script);
  await expect(resolve('api.test', [server])).rejects.toMatchObject({ name: 'ResolveError', isFinal });
});

test('resolver says what each nameserver did when none answered', async () => {
  const nameservers = [await scriptedServer(answering(SERVFAIL)), await scriptedServer(answering(REFUSED))];
  const [first, second] = nameservers.map(({ port }) => port);
  const said = [`127.0.0.1:${first}: it answered SERVFAIL`, `127.0.0.1:${second}: it answered REFUSED`];
  await expect(resolve('api.test', nameservers)).rejects.toThrow(
    `no nameserver answers for api.test A: ${said.toSorted().join('; ')}`,
  );
});

test('resolver makes do with one record type when the other fails', async () => {
  const half: Script = (query, from) =>
    query.questions?.[0]?.type === 'A'
      ? zone([a('api.test', '192.0.2.1')])(query, from)
      : answering(SERVFAIL)(query, from);
  expect(await addressesOf('api.test', [half])).toEqual(['192.0.2.1']);
});

test('resolver asks a server that failed last, for a while', async () => {
  const bad = await scriptedServer(answering(SERVFAIL));
  const good = await scriptedServer(zone([a('api.test', '192.0.2.1')]));
  const resolver = createPlainResolver([bad, good]);
  for (let i = 0; i < 3; i++) expect(await resolver('api.test', ['A'], signal)).toHaveLength(1);
  expect(bad.queries).toHaveLength(1);
  expect(good.queries).toHaveLength(3);
});

test('resolver asks a silent server last too, and loses no second half a second', async () => {
  const silent = await scriptedServer(() => []);
  const good = await scriptedServer(zone([a('api.test', '192.0.2.1')]));
  const resolver = createPlainResolver([silent, good]);
  for (let i = 0; i < 3; i++) expect(await resolver('api.test', ['A'], signal)).toHaveLength(1);
  expect(countQuestions(silent.queries)).toBe(1);
});

test('resolver asks only for the record types that are wanted', async () => {
  const server = await scriptedServer(zone([a('api.test', '192.0.2.1'), aaaa('api.test', '2001:db8::1')]));
  const resolver = createPlainResolver([server]);
  expect(await resolver('api.test', ['A'], signal)).toMatchObject([{ address: '192.0.2.1' }]);
  expect(server.queries).toHaveLength(1);
});

test(
  'resolver does not wait for long for a record type when it has addresses of the other',
  { timeout: 2_500 },
  async () => {
    const half: Script = (query, from) =>
      query.questions?.[0]?.type === 'A' ? zone([a('api.test', '192.0.2.1')])(query, from) : [];
    const server = await scriptedServer(half);
    expect(await resolve('api.test', [server])).toMatchObject([{ address: '192.0.2.1' }]);
  },
);

test('resolver rejects with the reason of its signal', async () => {
  const server = await scriptedServer(() => []);
  const resolver = createPlainResolver([server]);
  await expect(resolver('api.test', ['A'], AbortSignal.timeout(50))).rejects.toThrow('timeout');
});

test('resolver counts the shortest TTL on the way, of the CNAMEs too', async () => {
  const chain = zone([
    cname('api.test', 'edge.test', 5),
    cname('edge.test', 'pop.test', 600),
    a('pop.test', '192.0.2.8', 3_600),
  ]);
  expect(await resolve('api.test', [await scriptedServer(chain)])).toMatchObject([{ ttl: 5 }]);
});

test('resolver takes a TTL with its highest bit set as 0', async () => {
  const records = await resolve('api.test', [
    await scriptedServer(zone([a('api.test', '192.0.2.1', 2 ** 31)])),
  ]);
  expect(records).toMatchObject([{ ttl: 0 }]);
});

test('resolver tells of which families nobody could tell', async () => {
  const half: Script = (query, from) =>
    query.questions?.[0]?.type === 'A' ? zone([a('api.test', '192.0.2.1')])(query, from) : [];
  const resolver = createResolver([plainNameserver(await scriptedServer(half))]);
  expect(await resolver('api.test', ['A', 'AAAA'], signal)).toMatchObject({ unknown: [6] });
  const whole = createResolver([plainNameserver(await scriptedServer(zone([a('api.test', '192.0.2.1')])))]);
  expect(await whole('api.test', ['A', 'AAAA'], signal)).toMatchObject({ unknown: [] });
});

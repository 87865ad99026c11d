import * as dnsPacket from 'dns-packet';
import { expect, test } from 'vitest';

import { openNameserver } from '../../src/dns/nameserver.ts';
import { a, plainNameserver, reply, scriptedServer, zone } from '../helpers/dns.ts';
import { closedPort, udpSocket } from '../helpers/sockets.ts';

const question = { name: 'api.example.com', type: 'A' } as const;
const right = [a('api.example.com', '192.0.2.1')];
const wrong = [a('api.example.com', '203.0.113.66')];

test('ask() takes the answer that echoes its id and question, and nothing that came before it', async () => {
  const server = await scriptedServer((query) => [
    Buffer.from('garbage'),
    Buffer.alloc(12),
    dnsPacket.encode({ ...reply(query, { answers: wrong }), id: ((query.id ?? 0) + 1) % 65_536 }),
    dnsPacket.encode({ ...reply(query, { answers: wrong }), type: 'query' }),
    dnsPacket.encode(reply(query, { answers: wrong, questions: [{ name: 'evil.example', type: 'A' }] })),
    dnsPacket.encode(
      reply(query, { answers: wrong, questions: [{ name: 'api.example.com', type: 'AAAA' }] }),
    ),
    dnsPacket.encode(reply(query, { answers: wrong, questions: [] })),
    dnsPacket.encode(reply(query, { answers: right })),
  ]);
  const { answers } = await plainNameserver(server).ask(question, AbortSignal.timeout(5_000));
  expect(answers).toMatchObject(right);
});

test('ask() takes no answer from another sender', async () => {
  const forger = await udpSocket();
  const server = await scriptedServer((query, { port }) => {
    forger.send(dnsPacket.encode(reply(query, { answers: wrong })), port, '127.0.0.1');
    return [];
  });
  await expect(plainNameserver(server).ask(question, AbortSignal.timeout(300))).rejects.toThrow('aborted');
  expect(server.queries).toHaveLength(1);
});

test('ask() asks with a fresh random id and from a fresh port each time', async () => {
  const ports = new Set<number>();
  const ids = new Set<number | undefined>();
  const server = await scriptedServer((query, { port }) => {
    ports.add(port);
    ids.add(query.id);
    return [dnsPacket.encode(reply(query, { answers: right }))];
  });
  for (let i = 0; i < 50; i++) await plainNameserver(server).ask(question, AbortSignal.timeout(5_000));
  expect(ids.size).toBeGreaterThan(45);
  expect(ports.size).toBeGreaterThan(45);
  const steps = [...ids].map((id, i, all) => (id ?? 0) - (all[i - 1] ?? 0));
  expect(new Set(steps).size).toBeGreaterThan(40);
});

test('ask() asks over TCP when the answer is truncated, and puts the answer together from its chunks', async () => {
  const many = Array.from({ length: 400 }, (_, i) => a('api.example.com', `192.0.2.${i % 256}`));
  const server = await scriptedServer((query, { over }) => {
    const truncated = reply(query, {});
    if (over === 'udp')
      return [
        dnsPacket.encode({ ...truncated, flags: (truncated.flags ?? 0) | dnsPacket.TRUNCATED_RESPONSE }),
      ];
    const bytes = dnsPacket.streamEncode(reply(query, { answers: many }));
    return [bytes.subarray(0, 1), bytes.subarray(1, 700), bytes.subarray(700)];
  });
  const { answers } = await plainNameserver(server).ask(question, AbortSignal.timeout(5_000));
  expect(answers).toHaveLength(400);
});

test('ask() fails at once where nothing listens', async () => {
  const port = await closedPort();
  await expect(
    plainNameserver({ address: '127.0.0.1', port }).ask(question, AbortSignal.timeout(5_000)),
  ).rejects.toThrow('ECONNREFUSED');
});

test('ask() gives up when its signal aborts', async () => {
  const server = await scriptedServer(() => []);
  await expect(plainNameserver(server).ask(question, AbortSignal.timeout(100))).rejects.toThrow('aborted');
});

const FORMERR = 1;
const lowerCased = (query: dnsPacket.DecodedPacket) =>
  (query.questions ?? []).map((asked) => ({ ...asked, name: asked.name.toLowerCase() }));

test('ask() asks in random case each time, and announces how large a datagram may be', async () => {
  const server = await scriptedServer(zone(right));
  const nameserver = plainNameserver(server);
  for (let i = 0; i < 20; i++) await nameserver.ask(question, AbortSignal.timeout(5_000));
  expect(new Set(server.queries.map(({ questions }) => questions?.[0]?.name)).size).toBeGreaterThan(10);
  expect(server.queries[0]?.additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1_232 }]);
});

test('ask() does not believe a datagram in another case than was asked, and asks over TCP', async () => {
  const server = await scriptedServer((query, { over }) =>
    over === 'tcp'
      ? [dnsPacket.streamEncode(reply(query, { answers: right }))]
      : [dnsPacket.encode(reply(query, { answers: wrong, questions: lowerCased(query) }))],
  );
  const nameserver = plainNameserver(server);
  for (let i = 0; i < 2; i++) {
    expect((await nameserver.ask(question, AbortSignal.timeout(5_000))).answers).toMatchObject(right);
  }
  expect(server.queries).toHaveLength(4);
});

test('ask() believes a server that has proven over TCP that it changes the case', async () => {
  const server = await scriptedServer((query, { over }) => {
    const packet = reply(query, { answers: right, questions: lowerCased(query) });
    return [over === 'tcp' ? dnsPacket.streamEncode(packet) : dnsPacket.encode(packet)];
  });
  const nameserver = plainNameserver(server);
  for (let i = 0; i < 3; i++) await nameserver.ask(question, AbortSignal.timeout(5_000));
  expect(server.queries).toHaveLength(4);
});

test('ask() asks again without EDNS where a server does not know it, and then never with it', async () => {
  const server = await scriptedServer((query) => {
    const isPlain = (query.additionals ?? []).length === 0;
    return [dnsPacket.encode(isPlain ? reply(query, { answers: right }) : reply(query, { rcode: FORMERR }))];
  });
  const nameserver = plainNameserver(server);
  for (let i = 0; i < 2; i++) {
    expect((await nameserver.ask(question, AbortSignal.timeout(5_000))).answers).toMatchObject(right);
  }
  expect(server.queries).toHaveLength(3);
});

test('ask() over TCP takes an answer of 64 KiB, however it is cut', async () => {
  const many = Array.from({ length: 2_110 }, (_, i) => a('api.example.com', `10.0.${i >> 8}.${i & 255}`));
  const server = await scriptedServer((query) => {
    const bytes = dnsPacket.streamEncode(reply(query, { answers: many }));
    return [bytes.subarray(0, 1), bytes.subarray(1, 3), bytes.subarray(3, 30_000), bytes.subarray(30_000)];
  });
  const { answers } = await plainNameserver(server, 'tcp').ask(question, AbortSignal.timeout(5_000));
  expect(answers).toHaveLength(2_110);
});

test.each([
  [
    'another id',
    (query: dnsPacket.DecodedPacket) => ({ ...reply(query, {}), id: ((query.id ?? 0) + 1) % 65_536 }),
  ],
  [
    'another question',
    (query: dnsPacket.DecodedPacket) => reply(query, { questions: [{ name: 'evil.test', type: 'A' }] }),
  ],
])('ask() over TCP refuses an answer to %s', async (_what, packet) => {
  const server = await scriptedServer((query) => [dnsPacket.streamEncode(packet(query))]);
  await expect(plainNameserver(server, 'tcp').ask(question, AbortSignal.timeout(5_000))).rejects.toThrow(
    'another question',
  );
});

test('ask() does not hang or crash on a compression pointer that points at itself', async () => {
  const server = await scriptedServer((query) => {
    const honest = dnsPacket.encode(reply(query, {}));
    const looped = Buffer.concat([
      honest,
      Buffer.from([0xc0, honest.length, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]),
    ]);
    looped.writeUInt16BE(1, 6);
    return [looped, dnsPacket.encode(reply(query, { answers: right }))];
  });
  expect((await plainNameserver(server).ask(question, AbortSignal.timeout(5_000))).answers).toMatchObject(
    right,
  );
});

test('ask() takes NXDOMAIN as a reply, and other failure codes as none', async () => {
  const nowhere = await scriptedServer(zone([]));
  expect(await plainNameserver(nowhere).ask(question, AbortSignal.timeout(5_000))).toEqual({
    exists: false,
    answers: [],
  });
  const failing = await scriptedServer((query) => [dnsPacket.encode(reply(query, { rcode: 2 }))]);
  await expect(plainNameserver(failing).ask(question, AbortSignal.timeout(5_000))).rejects.toThrow(
    'it answered SERVFAIL',
  );
});

test('ask() asks the container’s own resolver for the name system', async () => {
  const system = openNameserver({ text: 'system', protocol: 'system' });
  const { answers } = await system.ask({ name: 'localhost', type: 'A' }, AbortSignal.timeout(5_000));
  expect(answers).toMatchObject([a('localhost', '127.0.0.1', 30)]);
  const none = await system
    .ask({ name: 'no-such-host.invalid', type: 'A' }, AbortSignal.timeout(20_000))
    .catch((cause: unknown) => cause);
  expect(none instanceof Error || (none as { answers: unknown[] }).answers.length === 0).toBe(true);
});

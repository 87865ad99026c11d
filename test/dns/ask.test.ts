import * as dnsPacket from 'dns-packet';
import { expect, test } from 'vitest';

import { ask } from '../../src/dns/ask.ts';
import { a, reply, scriptedServer } from '../helpers/dns.ts';
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
  const packet = await ask(server, question, AbortSignal.timeout(5_000));
  expect(packet.answers).toMatchObject(right);
});

test('ask() takes no answer from another sender', async () => {
  const forger = await udpSocket();
  const server = await scriptedServer((query, { port }) => {
    forger.send(dnsPacket.encode(reply(query, { answers: wrong })), port, '127.0.0.1');
    return [];
  });
  await expect(ask(server, question, AbortSignal.timeout(300))).rejects.toThrow('aborted');
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
  for (let i = 0; i < 50; i++) await ask(server, question, AbortSignal.timeout(5_000));
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
  const packet = await ask(server, question, AbortSignal.timeout(5_000));
  expect(packet.answers).toHaveLength(400);
});

test('ask() fails at once where nothing listens', async () => {
  const port = await closedPort();
  await expect(ask({ address: '127.0.0.1', port }, question, AbortSignal.timeout(5_000))).rejects.toThrow(
    'ECONNREFUSED',
  );
});

test('ask() gives up when its signal aborts', async () => {
  const server = await scriptedServer(() => []);
  await expect(ask(server, question, AbortSignal.timeout(100))).rejects.toThrow('aborted');
});

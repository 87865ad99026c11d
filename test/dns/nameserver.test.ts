import * as dnsPacket from 'dns-packet';
import { expect, test } from 'vitest';

import { messageOf } from '../../src/lib/message-of.ts';
import {
  a,
  plainNameserver,
  rawMessage,
  rawQuestion,
  rawRecord,
  reply,
  RESPONSE,
  type Script,
  scriptedServer,
  zone,
} from '../helpers/dns.ts';
import { closedPort, udpSocket } from '../helpers/sockets.ts';

const [FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED] = [1, 2, 3, 4, 5];
const question = { name: 'one-of-many.api.example.com', type: 'A' } as const;
const right = [a('one-of-many.api.example.com', '192.0.2.1')];
const wrong = [a('one-of-many.api.example.com', '203.0.113.66')];

test('ask() takes the answer that echoes its id and question, and nothing that came before it', async () => {
  const server = await scriptedServer((query) => [
    Buffer.from('garbage'),
    Buffer.alloc(12),
    dnsPacket.encode({ ...reply(query, { answers: wrong }), id: ((query.id ?? 0) + 1) % 65_536 }),
    dnsPacket.encode({ ...reply(query, { answers: wrong }), type: 'query' }),
    dnsPacket.encode(reply(query, { answers: wrong, questions: [{ name: 'evil.example', type: 'A' }] })),
    dnsPacket.encode(
      reply(query, { answers: wrong, questions: [{ name: 'one-of-many.api.example.com', type: 'AAAA' }] }),
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
  await expect(plainNameserver(server).ask(question, AbortSignal.timeout(900))).rejects.toThrow('aborted');
  expect(server.queries).toHaveLength(1);
});

test('ask() sends a datagram again that nobody has answered', async () => {
  let asked = 0;
  const server = await scriptedServer((query) =>
    ++asked === 1 ? [] : [dnsPacket.encode(reply(query, { answers: right }))],
  );
  const { answers } = await plainNameserver(server).ask(question, AbortSignal.timeout(10_000));
  expect(answers).toMatchObject(right);
  expect(server.queries).toHaveLength(2);
  expect(server.queries[1]).toEqual(server.queries[0]);
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
  const many = Array.from({ length: 400 }, (_, i) => a('one-of-many.api.example.com', `192.0.2.${i % 256}`));
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

test('ask() asks over TCP when the answer is truncated in the middle of a record', async () => {
  const server = await scriptedServer((query, { over }) => {
    if (over === 'tcp') return [dnsPacket.streamEncode(reply(query, { answers: right }))];
    const whole = dnsPacket.encode(reply(query, { answers: right }));
    whole.writeUInt16BE(whole.readUInt16BE(2) | dnsPacket.TRUNCATED_RESPONSE, 2);
    return [whole.subarray(0, -2)];
  });
  const { answers } = await plainNameserver(server).ask(question, AbortSignal.timeout(5_000));
  expect(answers).toMatchObject(right);
});

test.each([
  ['SERVFAIL', SERVFAIL],
  ['NXDOMAIN', NXDOMAIN],
])('ask() hears %s beside records that are cut short', async (name, rcode) => {
  const server = await scriptedServer((query) => [
    dnsPacket.encode(reply(query, { answers: right, rcode })).subarray(0, -2),
  ]);
  const said = plainNameserver(server).ask(question, AbortSignal.timeout(5_000));
  const heard = await said.then(({ exists }) => (exists ? null : 'NXDOMAIN'), messageOf);
  expect(heard).toContain(name);
});

test('ask() gives up when its signal aborts', async () => {
  const server = await scriptedServer(() => []);
  await expect(plainNameserver(server).ask(question, AbortSignal.timeout(100))).rejects.toThrow('aborted');
});

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

/** A header alone, which nothing of the question can be seen in. */
const bareHeader = (query: dnsPacket.DecodedPacket, rcode: number) =>
  rawMessage({ id: query.id ?? 0, flags: RESPONSE | rcode, questions: [] });

test.each<[how: string, refuse: (query: dnsPacket.DecodedPacket) => Buffer]>([
  ['FORMERR', (query) => dnsPacket.encode(reply(query, { rcode: FORMERR }))],
  ['FORMERR in a bare header', (query) => bareHeader(query, FORMERR)],
  ['NOTIMP', (query) => dnsPacket.encode(reply(query, { rcode: NOTIMP }))],
  ['NOTIMP in a bare header', (query) => bareHeader(query, NOTIMP)],
])(
  'ask() asks again without EDNS where a server answers it with %s, and then never with it',
  async (_how, refuse) => {
    const server = await scriptedServer((query) => {
      const isPlain = (query.additionals ?? []).length === 0;
      return [isPlain ? dnsPacket.encode(reply(query, { answers: right })) : refuse(query)];
    });
    const nameserver = plainNameserver(server);
    for (let i = 0; i < 2; i++) {
      expect((await nameserver.ask(question, AbortSignal.timeout(5_000))).answers).toMatchObject(right);
    }
    expect(server.queries).toHaveLength(3);
  },
);

test('ask() goes on with EDNS where a server answers FORMERR without it, too', async () => {
  const server = await scriptedServer((query) => [bareHeader(query, FORMERR)]);
  const nameserver = plainNameserver(server);
  for (let i = 0; i < 2; i++)
    await expect(nameserver.ask(question, AbortSignal.timeout(5_000))).rejects.toThrow('it answered FORMERR');
  expect(server.queries.map(({ additionals = [] }) => additionals.length)).toEqual([1, 0, 1, 0]);
});

test('ask() takes an error in a bare header at once, but neither NOERROR nor NXDOMAIN, nor one with another id', async () => {
  const refusing = await scriptedServer((query) => [
    bareHeader(query, 0),
    bareHeader(query, NXDOMAIN),
    bareHeader({ ...query, id: ((query.id ?? 0) + 1) % 65_536 }, SERVFAIL),
    bareHeader(query, REFUSED),
  ]);
  await expect(plainNameserver(refusing).ask(question, AbortSignal.timeout(5_000))).rejects.toThrow(
    'it answered REFUSED',
  );
});

/** A script for a name that is only known without capitals; `rcode` is for all others. */
const choosy =
  (rcode: number): Script =>
  (query, from) => {
    const hasCapitals = /[A-Z]/.test(query.questions?.[0]?.name ?? '');
    return hasCapitals ? [encoded(reply(query, { rcode }), from)] : zone(right)(query, from);
  };
const encoded = (packet: dnsPacket.Packet, { over }: { readonly over: 'udp' | 'tcp' }) =>
  (over === 'tcp' ? dnsPacket.streamEncode : dnsPacket.encode)(packet);
const capitalsOf = ({ questions }: dnsPacket.DecodedPacket) => /[A-Z]/.test(questions?.[0]?.name ?? '');

test.each([
  ['NXDOMAIN', NXDOMAIN],
  ['REFUSED', REFUSED],
])('ask() gives capitals up where a server answers %s to them alone', async (_rcode, rcode) => {
  const server = await scriptedServer(choosy(rcode));
  const nameserver = plainNameserver(server);
  for (let i = 0; i < 5; i++)
    expect((await nameserver.ask(question, AbortSignal.timeout(5_000))).answers).toMatchObject(right);
  expect(server.queries.map(capitalsOf)).toEqual([true, false, false, false, false, false]);
});

test('ask() goes on with capitals where a name without any is unknown, too', async () => {
  const server = await scriptedServer(zone([]));
  const nameserver = plainNameserver(server);
  for (let i = 0; i < 3; i++)
    expect((await nameserver.ask(question, AbortSignal.timeout(5_000))).exists).toBe(false);
  expect(server.queries.map(capitalsOf)).toEqual([true, false, true, false, true, false]);
});

test('ask() takes NXDOMAIN where the same question without capitals is not answered', async () => {
  const server = await scriptedServer((query, from) =>
    capitalsOf(query) ? choosy(NXDOMAIN)(query, from) : [],
  );
  const said = await plainNameserver(server).ask(question, AbortSignal.timeout(1_500));
  expect(said).toEqual({ exists: false, answers: [] });
});

test('ask() gives capitals up where a server changes them, and has no TCP to prove that', async () => {
  const queries: dnsPacket.DecodedPacket[] = [];
  const forwarder = await udpSocket();
  forwarder.on('message', (datagram, from) => {
    const query = dnsPacket.decode(datagram);
    queries.push(query);
    const answer = dnsPacket.encode(reply(query, { answers: right, questions: lowerCased(query) }));
    forwarder.send(answer, from.port, from.address);
  });
  const nameserver = plainNameserver(forwarder.address());
  for (let i = 0; i < 3; i++)
    expect((await nameserver.ask(question, AbortSignal.timeout(5_000))).answers).toMatchObject(right);
  expect(queries.map(capitalsOf)).toEqual([true, false, false, false]);
});

test('ask() gives capitals up where a server changes them, and is silent over TCP', async () => {
  const server = await scriptedServer((query, { over }) =>
    over === 'tcp' ? [] : [dnsPacket.encode(reply(query, { answers: right, questions: lowerCased(query) }))],
  );
  const nameserver = plainNameserver(server);
  expect((await nameserver.ask(question, AbortSignal.timeout(5_000))).answers).toMatchObject(right);
});

test('ask() does not give capitals up as it is given up itself', async () => {
  const silence = new AbortController();
  const server = await scriptedServer((query, { over }) => {
    if (over === 'udp')
      return [dnsPacket.encode(reply(query, { answers: wrong, questions: lowerCased(query) }))];
    silence.abort();
    return [];
  });
  const nameserver = plainNameserver(server);
  await expect(nameserver.ask(question, silence.signal)).rejects.toThrow('aborted');
  await expect(nameserver.ask(question, silence.signal)).rejects.toThrow('aborted');
  await nameserver.ask(question, AbortSignal.timeout(100)).catch(() => {});
  expect(server.queries.filter(capitalsOf).length).toBe(server.queries.length);
});

test('ask() asks over TCP without capitals', async () => {
  const server = await scriptedServer(zone(right));
  const nameserver = plainNameserver(server, 'tcp');
  for (let i = 0; i < 5; i++) await nameserver.ask(question, AbortSignal.timeout(5_000));
  expect(server.queries.map(({ questions }) => questions?.[0]?.name)).toEqual(Array(5).fill(question.name));
});

test('ask() over TCP takes an answer of 64 KiB, however it is cut', async () => {
  const many = Array.from({ length: 1_520 }, (_, i) =>
    a('one-of-many.api.example.com', `10.0.${i >> 8}.${i & 255}`),
  );
  const server = await scriptedServer((query) => {
    const bytes = dnsPacket.streamEncode(reply(query, { answers: many }));
    return [bytes.subarray(0, 1), bytes.subarray(1, 3), bytes.subarray(3, 30_000), bytes.subarray(30_000)];
  });
  const { answers } = await plainNameserver(server, 'tcp').ask(question, AbortSignal.timeout(5_000));
  expect(answers).toHaveLength(1_520);
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
  const failing = await scriptedServer((query) => [dnsPacket.encode(reply(query, { rcode: SERVFAIL }))]);
  await expect(plainNameserver(failing).ask(question, AbortSignal.timeout(5_000))).rejects.toThrow(
    'it answered SERVFAIL',
  );
});

const cutShort = [rawRecord(1, [192, 0, 2])];
const sound = rawRecord(1, [192, 0, 2, 1]);
/** Answers cut by hand to the question in the very case that it was asked in. */
const handCut =
  (answers: readonly Buffer[], additionals: readonly Buffer[] = []): Script =>
  ({ id = 0, questions = [] }, { over }) => {
    const message = rawMessage({
      id,
      questions: questions.map(({ name }) => rawQuestion(name)),
      answers,
      additionals,
    });
    return [over === 'tcp' ? Buffer.concat([Buffer.of(0, message.length), message]) : message];
  };

test('ask() believes a sound record beside bad ones', async () => {
  const badOption = rawRecord(41, [0, 10, 0xff, 0xff], { owner: Buffer.of(0), inClass: 1_232 });
  const server = await scriptedServer(
    handCut([...cutShort, rawRecord(16, [200]), sound, ...cutShort], [badOption]),
  );
  const { answers } = await plainNameserver(server).ask(question, AbortSignal.timeout(5_000));
  expect(answers.map(({ data }) => data)).toEqual(['192.0.2.1']);
});

test.each(['udp', 'tcp'] as const)(
  'ask() over %s says so where an answer holds no sound record',
  async (protocol) => {
    const server = await scriptedServer(handCut(cutShort));
    await expect(plainNameserver(server, protocol).ask(question, AbortSignal.timeout(1_500))).rejects.toThrow(
      'the answer holds no sound A record',
    );
  },
);

test('ask() takes no answer that neither knows the name nor asks others, nor a referral', async () => {
  const nothing = await scriptedServer((query) => [dnsPacket.encode(reply(query, { flags: 0 }))]);
  const authorities: dnsPacket.Answer[] = [{ type: 'NS', name: '', data: 'a.root-servers.net' }];
  const upwards = await scriptedServer((query) => [dnsPacket.encode(reply(query, { authorities }))]);
  for (const server of [nothing, upwards])
    await expect(plainNameserver(server).ask(question, AbortSignal.timeout(5_000))).rejects.toThrow(
      'a lame answer',
    );
});

import { once } from 'node:events';
import { connect } from 'node:net';

import { describe, expect, test } from 'vitest';

import type { Verdict } from '../../src/dns-server/answer.ts';
import { Counters, sumCounts } from '../../src/relay/counters.ts';
import {
  askTcp,
  askUdp,
  decodeAnswer,
  dnsClient,
  dnsServer,
  framed,
  namesOf,
  query,
} from '../helpers/dns-server.ts';
import { OVER_STREAMS, testLog } from '../helpers/relay.ts';
import { closedPort, errorOf, tcpClient, tcpServer, udpSocket } from '../helpers/sockets.ts';

type DnsClient = Awaited<ReturnType<typeof dnsClient>>;
type DecodedAnswer = ReturnType<typeof decodeAnswer>;

/** The addresses of a name, or the code. */
function told({ rcode, answers }: DecodedAnswer): readonly unknown[] {
  return [rcode, ...answers.map((answer) => 'data' in answer && answer.data)];
}

const idsOf = (answers: readonly DecodedAnswer[]) => answers.map(({ id }) => id);

/** What the kernel keeps for a client that does not read is less, in bytes. */
const TOO_MUCH = 100 * 1024 * 1024;
const STRANGER = '127.0.0.2';
const BIND = ['127.0.0.1', '127.0.0.5', '::1'];

/** How a client fares that sends messages of which the last alone is to be answered, and one that may not ask at all. */
const OVER_UDP = {
  ask: askUdp,
  sendAll: async (messages: readonly Buffer[], port: number): Promise<DecodedAnswer> => {
    const client = await udpSocket();
    for (const datagram of messages) client.send(datagram, port, '127.0.0.1');
    const [answer] = (await once(client, 'message')) as [Buffer];
    return decodeAnswer(answer);
  },
  comeAsStranger: async (port: number): Promise<string | null> => {
    const client = await udpSocket('udp4', STRANGER);
    client.on('message', () => expect.unreachable());
    client.send(query('api.test', 'A'), port, '127.0.0.1');
    return null;
  },
  refusal: null,
};
const OVER_TCP = {
  ask: askTcp,
  sendAll: async (messages: readonly Buffer[], port: number): Promise<DecodedAnswer> => {
    const { socket, next } = await dnsClient(port);
    socket.end(Buffer.concat(messages.map((message) => framed(message))));
    const [answer] = await next(1);
    return answer as DecodedAnswer;
  },
  comeAsStranger: (port: number) => errorOf(connect({ port, host: '127.0.0.1', localAddress: STRANGER })),
  refusal: 'ECONNRESET',
};

describe.each([
  ['UDP', OVER_UDP],
  ['TCP', OVER_TCP],
])('over %s', (protocol, { ask, sendAll, comeAsStranger, refusal }) => {
  test.each<[where: string, bind: readonly string[] | null]>([
    ['all addresses', null],
    ['some addresses', BIND],
    ['each family apart', ['::', '0.0.0.0']],
  ])('at %s an allowed name leads to the address that was asked, and to its neighbour', async (_, bind) => {
    const { port } = await dnsServer({ bind });
    // Which of several was asked at, node:dgram does not tell.
    const isKnown = !OVER_STREAMS || protocol === 'TCP' || bind === BIND;
    for (const host of ['127.0.0.1', ...(isKnown ? ['127.0.0.5'] : [])]) {
      expect(told(await ask(query('api.test', 'A'), { port, host }))).toEqual(['NOERROR', host]);
      expect(told(await ask(query('api.test', 'AAAA'), { port, host }))).toEqual(['NOERROR', '::1']);
    }
    expect(told(await ask(query('api.test', 'AAAA'), { port, host: '::1' }))).toEqual(['NOERROR', '::1']);
    expect(told(await ask(query('api.test', 'A'), { port, host: '::1' }))).toEqual(['NOERROR', '127.0.0.1']);
  });

  test('an allowed name leads where it is told to', async () => {
    const { port } = await dnsServer({ answers: { v4: '192.0.2.7', v6: null } });
    expect(told(await ask(query('api.test', 'A'), { port, host: '::1' }))).toEqual(['NOERROR', '192.0.2.7']);
    expect(told(await ask(query('api.test', 'AAAA'), { port, host: '::1' }))).toEqual(['NOERROR']);
  });

  test('a name that no rule allows is not there, and the client is refused; other names are told of too', async () => {
    const [log, counters] = [testLog(), new Counters()];
    const names = namesOf({ 'api.test': 'allowed', test: 'above' });
    const { port } = await dnsServer({ log, counters, names });
    expect(told(await ask(query('Other.TEST', 'A'), { port }))).toEqual(['NXDOMAIN']);
    const { level, fields } = await log.line('refused');
    expect([level, fields]).toEqual([
      'warn',
      {
        port,
        protocol: 'dns',
        client: expect.stringMatching(/^127\.0\.0\.1:[1-9]\d+$/),
        name: 'other.test',
        rule: 'not in TARGET',
        reason: 'other.test is not in TARGET',
        decision: 'refused',
      },
    ]);
    await ask(query('api.TEST', 'AAAA'), { port, host: '::1' });
    await ask(query('test', 'MX'), { port });
    expect(names.asked).toEqual(['other.test 1 unknown', 'api.test 28 allowed', 'test 15 above']);
    expect(log.lines).toHaveLength(1);
    expect(sumCounts([counters.cells]).refused).toEqual({ 'not in TARGET': 1 });
  });

  test('a name may be allowed, and not any more, from one question to the next', async () => {
    const verdicts: Record<string, Verdict> = {};
    const { port } = await dnsServer({ names: namesOf(verdicts) });
    for (const [verdict, rcode] of [
      ['unknown', 'NXDOMAIN'],
      ['allowed', 'NOERROR'],
      ['unknown', 'NXDOMAIN'],
    ] as const) {
      verdicts['api.test'] = verdict;
      expect((await ask(query('api.test', 'A'), { port })).rcode).toBe(rcode);
    }
  });

  test('what is no question has no answer, and the next one has', async () => {
    const { port } = await dnsServer();
    const response = query('api.test', 'A', 7);
    response[2] = 0x80;
    const junk = [Buffer.alloc(0), Buffer.alloc(11), response];
    const question = query('api.test', 'A', 8);
    expect((await sendAll([...junk, question], port)).id).toBe(8);
  });

  test('the largest message is answered', async () => {
    const { port } = await dnsServer();
    const message = Buffer.alloc(protocol === 'TCP' ? 65_535 : 65_507);
    query('api.test', 'A').copy(message); // what follows a message is nobody's
    expect(told(await ask(message, { port }))).toEqual(['NOERROR', '127.0.0.1']);
  });

  test('who may not ask hears nothing of it', async () => {
    const [log, counters] = [testLog(), new Counters()];
    const names = namesOf({ 'api.test': 'allowed' });
    const { port } = await dnsServer({ allowFrom: [['127.0.0.1', 32]], log, counters, names });
    expect(await comeAsStranger(port)).toBe(refusal);
    const { fields } = await log.line('refused');
    expect(fields).toMatchObject({
      rule: 'source not allowed',
      reason: `${STRANGER} is not in ALLOW_FROM`,
      protocol: 'dns',
    });
    expect(told(await ask(query('api.test', 'A'), { port }))).toEqual(['NOERROR', '127.0.0.1']);
    expect(names.asked).toHaveLength(1);
    expect(sumCounts([counters.cells]).refused).toEqual({ 'source not allowed': 1 });
  });
});

test('many questions at once have each an answer of its own, to whoever has asked', async () => {
  const names: Record<string, Verdict> = {};
  const { port } = await dnsServer({ names: namesOf(names) });
  const clients = await Promise.all(Array.from({ length: 8 }, () => udpSocket()));
  const all = clients.map(async (client, index) => {
    const expected: string[] = [];
    const heard: string[] = [];
    const done = Promise.withResolvers<void>();
    client.on('message', (bytes) => {
      const { id, rcode, questions } = decodeAnswer(bytes);
      heard.push(`${id} ${questions[0]?.name} ${rcode}`);
      if (heard.length === 100) done.resolve();
    });
    for (let id = 0; id < 100; id++) {
      const name = `n${id}.c${index}.test`;
      if (id % 2 === 0) names[name] = 'allowed';
      expected.push(`${id} ${name} ${id % 2 === 0 ? 'NOERROR' : 'NXDOMAIN'}`);
      client.send(query(name, 'A', id), port, '127.0.0.1');
    }
    await done.promise;
    expect(heard.toSorted()).toEqual(expected.toSorted());
  });
  await Promise.all(all);
});

test('questions on one connection are answered in a row, however they come', async () => {
  const { port } = await dnsServer();
  const ids = Array.from({ length: 300 }, (_, id) => id);
  const nameOf = (id: number) => (id % 3 === 0 ? 'other.test' : 'api.test');
  const bytes = Buffer.concat(ids.map((id) => framed(query(nameOf(id), 'A', id))));
  for (const size of [bytes.length, 1_000, 7]) {
    const { socket, next } = await dnsClient(port);
    for (let at = 0; at < bytes.length; at += size) {
      socket.write(bytes.subarray(at, at + size));
      await new Promise(setImmediate);
    }
    const answers = await next(ids.length);
    expect(idsOf(answers)).toEqual(ids);
    expect(new Set(answers.map(({ rcode }) => rcode))).toEqual(new Set(['NXDOMAIN', 'NOERROR']));
    // It goes on.
    socket.write(framed(query('api.test', 'A', 999)));
    expect(idsOf(await next(1))).toEqual([999]);
  }
});

test('a FIN behind questions ends the connection when all are answered, and half a question has no answer', async () => {
  const { port } = await dnsServer();
  const question = framed(query('api.test', 'A', 1));
  for (const [sent, ids] of [
    [Buffer.concat([question, question]), [1, 1]],
    [Buffer.concat([question, question.subarray(0, -1)]), [1]],
    [question.subarray(0, 1), []],
    [Buffer.alloc(0), []],
  ] as const) {
    const { socket, answers, closed } = await dnsClient(port);
    socket.end(sent);
    expect(await closed).toBe(null);
    expect(idsOf(answers)).toEqual(ids);
  }
});

test('a connection without a whole question for a while is ended, however slowly one comes', async () => {
  const { port } = await dnsServer({ idleTimeout: 300 });
  const [silent, slow, busy] = [await dnsClient(port), await dnsClient(port), await dnsClient(port)];
  slow.socket.write(Buffer.of(0xff, 0xff));
  const dripping = setInterval(() => slow.socket.write(Buffer.of(0)), 10);
  const isOver = Promise.all([silent.closed, slow.closed]).then(() => true);
  // While the others come to their end, this one asks and is answered.
  do {
    busy.socket.write(framed(query('api.test', 'A', 5)));
    expect(idsOf(await busy.next(1))).toEqual([5]);
  } while (!(await Promise.race([isOver, new Promise(setImmediate)])));
  clearInterval(dripping);
  expect(await silent.closed).toBe(null);
});

test('of too many connections, the source that has most loses the one that has asked longest ago', async () => {
  const { port } = await dnsServer({ idleTimeout: 60_000 });
  const other = await dnsClient(port, { localAddress: '127.0.0.2' });
  const clients: DnsClient[] = [];
  for (let i = 0; i < 99; i++) clients.push(await dnsClient(port));
  const [first, second, third, ...rest] = clients as [DnsClient, DnsClient, DnsClient, ...DnsClient[]];
  first.socket.write(framed(query('api.test', 'A', 1)));
  expect(idsOf(await first.next(1))).toEqual([1]);
  for (let i = 0; i < 2; i++) rest.push(await dnsClient(port));
  expect([await second.closed, await third.closed]).toEqual([null, null]);
  for (const { socket, next } of [other, first, ...rest]) {
    socket.write(framed(query('api.test', 'A', 2)));
    expect(idsOf(await next(1))).toEqual([2]);
  }
});

test('halves of questions take room of their own source, and who has asked longest ago goes first', async () => {
  const { port } = await dnsServer({ idleTimeout: 60_000 });
  const question = framed(query('api.test', 'A', 1));
  const other = await dnsClient(port, { localAddress: '127.0.0.2' });
  other.socket.write(question.subarray(0, -1));
  const half = Buffer.alloc(60_000);
  half.writeUInt16BE(65_535);
  // Eight of them may be there: 512 KiB in all.
  const clients: DnsClient[] = [];
  for (let i = 0; i < 9; i++) {
    clients.push(await dnsClient(port));
    clients[i]?.socket.write(half);
  }
  await clients[0]?.closed;
  other.socket.write(question.subarray(-1));
  expect(idsOf(await other.next(1))).toEqual([1]);
});

test('who does not read answers is read no more, and reset; others are answered meanwhile', async () => {
  const { port } = await dnsServer({ idleTimeout: 500 });
  const greedy = await tcpClient(port);
  const gone = errorOf(greedy);
  greedy.pause();
  const questions = Buffer.concat(Array.from({ length: 1_000 }, () => framed(query('nobody.example', 'A'))));
  let sent = 0;
  const send = () => {
    while (!greedy.destroyed && sent < TOO_MUCH && greedy.write(questions)) sent += questions.length;
  };
  greedy.on('drain', send);
  send();
  const isGone = gone.then(() => true);
  do {
    expect(told(await askTcp(query('api.test', 'A'), { port }))).toEqual(['NOERROR', '127.0.0.1']);
  } while (!(await Promise.race([isGone, new Promise(setImmediate)])));
  expect(await gone).toMatch(/ECONNRESET|EPIPE/);
  expect(sent).toBeLessThan(TOO_MUCH);
});

test('close() ends all connections and frees the port', async () => {
  const server = await dnsServer();
  const { socket, next, closed } = await dnsClient(server.port);
  socket.write(framed(query('api.test', 'A')));
  await next(1);
  server.close();
  expect(await closed).toBe(null);
  const { port } = await dnsServer({ port: server.port });
  expect(told(await askUdp(query('api.test', 'A'), { port }))).toEqual(['NOERROR', '127.0.0.1']);
});

test('listenDns() rejects when it cannot listen over either, and then listens over neither', async () => {
  const taken = await udpSocket('udp4', '127.0.0.1', await closedPort());
  const { port } = taken.address();
  await expect(dnsServer({ port, bind: ['127.0.0.1'] })).rejects.toThrow(
    `failed to listen on udp port ${port} at 127.0.0.1: `,
  );
  await tcpServer(() => {}, '127.0.0.1', port);
  await expect(dnsServer({ port, bind: ['127.0.0.1'] })).rejects.toThrow(
    `failed to listen on tcp port ${port} at 127.0.0.1: `,
  );
});

test('two servers share a port', async () => {
  const { port } = await dnsServer({ sharesPort: true });
  const other = await dnsServer({ sharesPort: true, port });
  expect(other.port).toBe(port);
});

import { Resolver } from 'node:dns/promises';
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
import { closedPort, errorOf, tcpClient, tcpServer, udpSocket, unread } from '../helpers/sockets.ts';

type DnsClient = Awaited<ReturnType<typeof dnsClient>>;
type DecodedAnswer = ReturnType<typeof decodeAnswer>;

/** The addresses of a name, or the code. */
function told({ rcode, answers }: DecodedAnswer): readonly unknown[] {
  return [rcode, ...answers.map((answer) => 'data' in answer && answer.data)];
}

const idsOf = (answers: readonly DecodedAnswer[]) => answers.map(({ id }) => id);

/** What the kernel keeps for a client that does not read is less, in bytes. */
const TOO_MUCH = 100 * 1024 * 1024;
/** Of the SOA record in a negative answer, in bytes. */
const SOA_LENGTH = 59;
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

  test.each([
    [['127.0.0.1'], '127.0.0.1', 'AAAA'],
    [['127.0.0.1', '127.0.0.5'], '127.0.0.5', 'AAAA'],
    [['0.0.0.0'], '127.0.0.1', 'AAAA'],
    [['::1'], '::1', 'A'],
    [['::'], '::1', 'A'],
  ] as const)('at %j alone no name leads elsewhere', async (bind, host, other) => {
    const { port } = await dnsServer({ bind });
    const own = other === 'A' ? 'AAAA' : 'A';
    expect(told(await ask(query('api.test', own), { port, host }))).toEqual(['NOERROR', host]);
    expect(told(await ask(query('api.test', other), { port, host }))).toEqual(['NOERROR']);
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
    expect(names.asked).toEqual(['other.test', 'api.test', 'test']);
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

test.each([
  ['127.0.0.1', '127.0.0.1', '::1'],
  ['::1', '127.0.0.1', '::1'],
])('c-ares, by which Node asks %s, finds addresses, or that there are none', async (host, v4, v6) => {
  const { port } = await dnsServer();
  const resolver = new Resolver();
  resolver.setServers([host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`]);
  expect(await resolver.resolve4('api.test', { ttl: true })).toEqual([{ address: v4, ttl: 30 }]);
  expect(await resolver.resolve6('api.test')).toEqual([v6]);
  expect(await resolver.resolveAny('api.test')).toMatchObject([{ address: v4, type: 'A' }]);
  await expect(resolver.resolveMx('api.test')).rejects.toThrow('ENODATA');
  await expect(resolver.resolve4('test')).rejects.toThrow('ENODATA');
  await expect(resolver.resolve4('other.test')).rejects.toThrow('ENOTFOUND');
});

test('many questions at once have each an answer of its own, to whoever has asked, of where it has asked', async () => {
  const hosts = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => `127.0.0.${number}`);
  const verdicts: Record<string, Verdict> = {};
  // All come to one socket, where that tells them apart.
  const { port } = await dnsServer({ names: namesOf(verdicts), bind: OVER_STREAMS ? hosts : null });
  const clients = await Promise.all(hosts.map(async (host) => ({ host, socket: await udpSocket() })));
  const answered = clients.map(({ socket }) => {
    const heard: string[] = [];
    const { promise, resolve } = Promise.withResolvers<readonly string[]>();
    socket.on('message', (bytes, { address }) => {
      const answer = decodeAnswer(bytes);
      heard.push([address, answer.id, answer.questions[0]?.name, ...told(answer)].join(' '));
      if (heard.length === 100) resolve(heard);
    });
    return promise;
  });
  for (let id = 0; id < 100; id += 2) {
    for (const { host, socket } of clients) {
      verdicts[`n${id}.${host}`] = 'allowed';
      socket.send(query(`n${id}.${host}`, 'A', id), port, host);
      socket.send(query(`n${id + 1}.${host}`, 'A', id + 1), port, host);
    }
    // So many find room in a buffer of the kernel's default size.
    if (id % 8 === 6) await new Promise(setImmediate);
  }
  for (const [number, { host }] of clients.entries()) {
    const expected = Array.from({ length: 100 }, (_, id) =>
      [host, id, `n${id}.${host}`, ...(id % 2 === 0 ? ['NOERROR', host] : ['NXDOMAIN'])].join(' '),
    );
    expect((await answered[number])?.toSorted()).toEqual(expected.toSorted());
  }
});

test('questions on one connection are answered in a row, however they come', async () => {
  const { port } = await dnsServer();
  const ids = Array.from({ length: 1_500 }, (_, id) => id);
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
    socket.write(framed(query('api.test', 'A', 9_999)));
    expect(idsOf(await next(1))).toEqual([9_999]);
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

/** Has somebody do something again and again, until something else has happened. */
async function whileWaiting(awaited: Promise<unknown>, act: () => Promise<void>): Promise<void> {
  let isOver = false;
  void awaited.finally(() => (isOver = true));
  for (;;) {
    await act();
    if (isOver) return;
  }
}

test('a connection without a whole question for a while is ended, however slowly one comes', async () => {
  const { port } = await dnsServer({ idleTimeout: 1_500 });
  const busy = await dnsClient(port);
  const ask = async () => {
    busy.socket.write(framed(query('api.test', 'A', 5)));
    expect(idsOf(await busy.next(1))).toEqual([5]);
  };
  // One after the other, so that the one that asks lives longer than they may.
  for (const first of [Buffer.alloc(0), Buffer.of(0xff, 0xff)]) {
    const { socket, closed } = await dnsClient(port);
    const dripping = first.length > 0 ? setInterval(() => socket.write(Buffer.of(0)), 10) : undefined;
    socket.write(first);
    await whileWaiting(closed, ask);
    clearInterval(dripping);
  }
  await ask();
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
  // The others are there: each may end what it has begun.
  for (const { socket, next } of clients.slice(1)) {
    socket.write(Buffer.alloc(2 + 65_535 - half.length));
    expect(await next(1)).toMatchObject([{ rcode: 'FORMERR' }]);
  }
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
  await whileWaiting(gone, async () => {
    expect(told(await askTcp(query('api.test', 'A'), { port }))).toEqual(['NOERROR', '127.0.0.1']);
  });
  expect(await gone).toMatch(/ECONNRESET|EPIPE/);
  expect(sent).toBeLessThan(TOO_MUCH);
});

test('who reads answers late has all of them', async () => {
  const { port } = await dnsServer({ idleTimeout: 60_000 });
  const client = await tcpClient(port);
  client.pause();
  const count = 200_000;
  const question = framed(query('api.test', 'MX'));
  const answers = count * (question.length + SOA_LENGTH);
  client.write(Buffer.concat(Array.from({ length: count }, () => question)));
  // It is read no more, though others are answered.
  let before = -1;
  await expect
    .poll(async () => {
      await askTcp(query('api.test', 'A'), { port });
      const waiting = unread(client.localPort, port);
      const hasStopped = waiting > 0 && waiting === before;
      before = waiting;
      return hasStopped;
    })
    .toBe(true);
  let heard = 0;
  client.on('data', (bytes: Buffer) => {
    heard += bytes.length;
    if (heard === answers) client.end();
  });
  client.resume();
  await once(client, 'end');
  expect(heard).toBe(answers);
});

test('who has gone leaves nothing behind', async () => {
  const server = await dnsServer({ idleTimeout: 60_000 });
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const clients = [];
  for (let i = 0; i < 50; i++) clients.push(await dnsClient(server.port));
  await expect.poll(() => [server.connections, timers() >= before + 50]).toEqual([50, true]);
  for (const [number, { socket }] of clients.entries()) {
    if (number % 2 === 0) socket.end(framed(query('api.test', 'A')));
    else socket.resetAndDestroy();
  }
  await expect.poll(() => [server.connections, timers() < before + 25]).toEqual([0, true]);
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

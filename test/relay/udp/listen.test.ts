import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

import { expect, onTestFinished, test } from 'vitest';

import { BlackoutFlag } from '../../../src/relay/blackout-flag.ts';
import { Crowd } from '../../../src/relay/crowd.ts';
import { Slots } from '../../../src/relay/slots.ts';
import type { Datagrams, UdpSocket, UdpSockets } from '../../../src/relay/udp/sockets.ts';
import { localTarget, testLog, udpRelay, udpSockets } from '../../helpers/relay.ts';
import { closedPort, udpSocket } from '../../helpers/sockets.ts';

/** A UDP server that keeps what it gets, and hands it out one by one. */
async function udpTarget(type?: 'udp4' | 'udp6') {
  const socket = await udpSocket(type);
  const arrived: { readonly datagram: Buffer; readonly from: RemoteInfo }[] = [];
  const waiters: (() => void)[] = [];
  socket.on('message', (datagram, from) => {
    arrived.push({ datagram, from });
    waiters.shift()?.();
  });
  return {
    socket,
    port: socket.address().port,
    async next() {
      if (arrived.length === 0) await new Promise<void>((resolve) => waiters.push(resolve));
      return arrived.shift() as (typeof arrived)[number];
    },
  };
}

async function nextMessage(socket: Socket): Promise<{ datagram: Buffer; from: RemoteInfo }> {
  const [datagram, from] = (await once(socket, 'message')) as [Buffer, RemoteInfo];
  return { datagram, from };
}

test.each([
  ['udp4', '127.0.0.1'],
  ['udp6', '::1'],
] as const)(
  'listenUdp() keeps the boundaries of datagrams from 0 to 65507 bytes both ways: %s',
  async (type, host) => {
    const target = await udpTarget();
    const relay = await udpRelay(localTarget(target.port));
    const client = await udpSocket(type);

    for (const size of [0, 1, 1_472, 9_000, 65_507]) {
      const question = Buffer.alloc(size, 'q');
      client.send(question, relay.port, host);
      const asked = await target.next();
      expect(asked.datagram.equals(question)).toBe(true);

      const answer = Buffer.alloc(size, 'a');
      const answered = nextMessage(client);
      target.socket.send(answer, asked.from.port, asked.from.address);
      const { datagram, from } = await answered;
      expect(datagram.equals(answer)).toBe(true);
      expect(from).toMatchObject({ address: host, port: relay.port });
    }
  },
);

test('listenUdp() gives each client its own upstream port, and keeps it for all its datagrams', async () => {
  const target = await udpTarget();
  const relay = await udpRelay(localTarget(target.port));
  const [a, b] = [await udpSocket(), await udpSocket()];

  a.send('a1', relay.port, '127.0.0.1');
  const a1 = await target.next();
  b.send('b1', relay.port, '127.0.0.1');
  const b1 = await target.next();
  a.send('a2', relay.port, '127.0.0.1');
  const a2 = await target.next();

  expect(a2.from.port).toBe(a1.from.port);
  expect(b1.from.port).not.toBe(a1.from.port);
  expect(relay.live).toBe(2);

  const [toA, toB] = [nextMessage(a), nextMessage(b)];
  target.socket.send('for b', b1.from.port, '127.0.0.1');
  target.socket.send('for a', a1.from.port, '127.0.0.1');
  expect((await toA).datagram.toString()).toBe('for a');
  expect((await toB).datagram.toString()).toBe('for b');
});

test('listenUdp() takes answers from the target only', async () => {
  const target = await udpTarget();
  const stranger = await udpSocket();
  const relay = await udpRelay(localTarget(target.port));
  const client = await udpSocket();

  client.send('question', relay.port, '127.0.0.1');
  const { from } = await target.next();
  const answered = nextMessage(client);
  stranger.send('forged', from.port, from.address);
  target.socket.send('true', from.port, from.address);
  expect((await answered).datagram.toString()).toBe('true');
});

test('listenUdp() keeps the order of datagrams that come before the target is known', async () => {
  const target = await udpTarget();
  const known = Promise.withResolvers<void>();
  const { resolve } = localTarget(target.port);
  const relay = await udpRelay({
    ...localTarget(target.port),
    resolve: async (signal) => {
      await known.promise;
      return resolve(signal);
    },
  });
  const client = await udpSocket();

  for (const word of ['one', 'two', 'three']) client.send(word, relay.port, '127.0.0.1');
  await expect.poll(() => relay.live).toBe(1);
  known.resolve();
  const words = [await target.next(), await target.next(), await target.next()].map(({ datagram }) =>
    String(datagram),
  );
  expect(words).toEqual(['one', 'two', 'three']);
});

test('listenUdp() ends a session without a datagram for the session timeout, and not one that is used', async () => {
  const target = await udpTarget();
  const log = testLog();
  const relay = await udpRelay(localTarget(target.port), { sessionTimeout: 1_000, log });
  const client = await udpSocket();

  const ports = new Set<number>();
  for (let round = 0; round < 10; round++) {
    client.send('still here', relay.port, '127.0.0.1');
    ports.add((await target.next()).from.port);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  expect(ports.size).toBe(1);

  const { fields } = await log.line('session ended');
  expect(fields).toMatchObject({
    ending: 'idle',
    sent: 100,
    received: 0,
    address: `127.0.0.1:${target.port}`,
  });
  expect(relay.live).toBe(0);
});

test('listenUdp() replaces the session that has been idle longest when all slots are taken', async () => {
  const target = await udpTarget();
  const log = testLog();
  const relay = await udpRelay(localTarget(target.port), { maxConnections: 2, log });
  const [a, b, c] = [await udpSocket(), await udpSocket(), await udpSocket()];

  a.send('a', relay.port, '127.0.0.1');
  const fromA = (await target.next()).from.port;
  b.send('b', relay.port, '127.0.0.1');
  await target.next();
  a.send('a', relay.port, '127.0.0.1');
  await target.next();
  c.send('c', relay.port, '127.0.0.1');
  await target.next();

  expect(relay.live).toBe(2);
  const { fields } = await log.line('session ended');
  expect(fields).toMatchObject({ ending: 'replaced', client: `127.0.0.1:${b.address().port}` });
  a.send('a', relay.port, '127.0.0.1');
  expect((await target.next()).from.port).toBe(fromA);
});

/** A relay of few slots, clients of it by name, and which of them have lost their sessions to others. */
async function crowd(maxConnections: number) {
  const target = await udpTarget();
  const log = testLog();
  const relay = await udpRelay(localTarget(target.port), { maxConnections, log });
  const clients = new Map<string, Socket>();

  /** Sends something, from a port of its own at the address. */
  async function ask(name: string, address = '127.0.0.1'): Promise<RemoteInfo> {
    const client = clients.get(name) ?? (await udpSocket('udp4', address));
    clients.set(name, client);
    client.send(name, relay.port, '127.0.0.1');
    return (await target.next()).from;
  }

  async function converse(name: string, address?: string): Promise<void> {
    const from = await ask(name, address);
    const answered = nextMessage(clients.get(name) as Socket);
    target.socket.send('answer', from.port, from.address);
    await answered;
  }

  function replaced(): readonly (string | undefined)[] {
    const names = new Map([...clients].map(([name, socket]) => [socket.address().port, name]));
    const ended = log.lines.filter(({ fields }) => fields['ending'] === 'replaced');
    return ended.map(({ fields }) => names.get(Number(String(fields['client']).split(':')[1])));
  }

  return { ask, converse, replaced };
}

test('listenUdp() replaces a session that was never answered, though one that was has been idle longer', async () => {
  const { ask, converse, replaced } = await crowd(2);
  await converse('answered');
  await ask('unanswered');
  await ask('new');
  expect(replaced()).toEqual(['unanswered']);
});

test('listenUdp() replaces a session that was answered once before one whose client has gone on', async () => {
  const { ask, converse, replaced } = await crowd(2);
  await converse('going on');
  await ask('going on');
  await converse('once');
  await ask('new');
  expect(replaced()).toEqual(['once']);
});

test('listenUdp() lets sessions wait for an answer while they are few', async () => {
  const { ask, converse, replaced } = await crowd(8);
  for (let i = 1; i <= 7; i++) await converse(`answered ${i}`);
  await ask('waiting');
  await ask('new');
  expect(replaced()).toEqual(['answered 1']);
});

test('listenUdp() replaces a session of the address that has most of them', async () => {
  const { ask, converse, replaced } = await crowd(3);
  await converse('alone', '127.0.0.2');
  await converse('one', '127.0.0.3');
  await converse('two', '127.0.0.3');
  await ask('new', '127.0.0.4');
  expect(replaced()).toEqual(['one']);
});

test('listenUdp() keeps a client that comes back for longer than those who are new', async () => {
  const { ask, replaced } = await crowd(2);
  for (const name of ['persistent', 'new 1', 'new 2', 'persistent', 'new 3', 'new 4']) await ask(name);
  expect(replaced()).toEqual(['persistent', 'new 1', 'new 2', 'new 3']);
});

test('listenUdp() hands the slot of a replaced session over, and releases it only when asked to make room', async () => {
  const target = await udpTarget();
  let released = 0;
  class CountingSlots extends Slots {
    override release(): void {
      released++;
      super.release();
    }
  }
  const relay = await udpRelay(localTarget(target.port), { slots: new CountingSlots(1) });
  for (const client of [await udpSocket(), await udpSocket(), await udpSocket()]) {
    client.send('x', relay.port, '127.0.0.1');
    await target.next();
  }
  // In between, another thread could have taken it.
  expect([relay.live, released]).toEqual([1, 0]);
  expect(relay.makeRoom()).toBe(true);
  expect([relay.live, released]).toEqual([0, 1]);
  expect(relay.makeRoom()).toBe(false);
});

test('listenUdp() drops new clients rather than datagrams of known ones when more come than it can receive at once', async () => {
  const target = await udpTarget();
  const relay = await udpRelay(localTarget(target.port), { maxConnections: 1 });
  const clients = await Promise.all(Array.from({ length: 130 }, () => udpSocket()));
  for (const client of clients) {
    client.connect(relay.port, '127.0.0.1');
    await once(client, 'connect');
  }
  let arrived = 0;
  target.socket.on('message', () => arrived++);
  for (const client of clients) client.send('x');
  await expect.poll(() => arrived + relay.counts().lost).toBe(130);
  // node:dgram cannot tell how many wait.
  expect(relay.counts().opened < 130).toBe(process.env['TEST_SOCKETS'] !== 'streams');
});

test('listenUdp() lets a refusal end only the session that met it', async () => {
  const refusing = await closedPort();
  const target = await udpTarget();
  const log = testLog();
  let port = target.port;
  const relay = await udpRelay(
    {
      ...localTarget(0),
      get port() {
        return port;
      },
    },
    { log },
  );
  const [well, unlucky] = [await udpSocket(), await udpSocket()];

  well.send('hello', relay.port, '127.0.0.1');
  const { from } = await target.next();
  port = refusing;
  unlucky.send('hello?', relay.port, '127.0.0.1');
  const { level, fields } = await log.line('session failed');
  expect(level).toBe('warn');
  expect(String(fields['err'])).toBe(
    `AnswerError: no answer from target.test:${refusing}: nothing listens on UDP at 127.0.0.1:${refusing} (ECONNREFUSED): is the service up, and is this its port?`,
  );
  expect(fields['client']).toBe(`127.0.0.1:${unlucky.address().port}`);

  const answered = nextMessage(well);
  target.socket.send('still well', from.port, from.address);
  expect((await answered).datagram.toString()).toBe('still well');

  port = target.port;
  unlucky.send('again', relay.port, '127.0.0.1');
  expect((await target.next()).datagram.toString()).toBe('again');
});

test('listenUdp() without answers relays all clients through one upstream socket, beyond any limit, and sends nothing back', async () => {
  const target = await udpTarget();
  const relay = await udpRelay(localTarget(target.port), { answers: false, maxConnections: 1 });
  const clients = [await udpSocket(), await udpSocket(), await udpSocket()];

  const ports = new Set<number>();
  for (const client of clients) {
    client.on('message', () => expect.unreachable());
    client.send('event', relay.port, '127.0.0.1');
    const { from } = await target.next();
    ports.add(from.port);
    target.socket.send('unwanted', from.port, from.address);
  }
  expect(ports.size).toBe(1);
  expect(relay.live).toBe(1);
});

test('listenUdp() without answers asks for the name anew after each session timeout, however busy it is', async () => {
  const target = await udpTarget();
  const asked: AbortSignal[] = [];
  const { resolve } = localTarget(target.port);
  const relay = await udpRelay(
    {
      ...localTarget(target.port),
      resolve: (signal) => {
        asked.push(signal);
        return resolve(signal);
      },
    },
    { answers: false, sessionTimeout: 500 },
  );
  const client = await udpSocket();

  while (asked.length < 3) {
    client.send('event', relay.port, '127.0.0.1');
    await target.next();
  }
  expect(relay.live).toBe(1);
});

test('drain() lets answers finish, refuses new clients, and ends when all is quiet', async () => {
  const target = await udpTarget();
  const log = testLog();
  const relay = await udpRelay(localTarget(target.port), { log });
  const [served, owed, late] = [await udpSocket(), await udpSocket(), await udpSocket()];

  served.send('question', relay.port, '127.0.0.1');
  const first = await target.next();
  const servedAnswer = nextMessage(served);
  target.socket.send('answer', first.from.port, first.from.address);
  await servedAnswer;
  owed.send('question', relay.port, '127.0.0.1');
  const { from } = await target.next();

  const drained = relay.drain(AbortSignal.timeout(20_000));
  late.send('too late', relay.port, '127.0.0.1');
  for (const part of ['one', 'two', 'three']) {
    const answered = nextMessage(owed);
    target.socket.send(part, from.port, from.address);
    expect((await answered).datagram.toString()).toBe(part);
  }
  await drained;
  expect(log.lines.map(({ fields }) => fields['ending'])).toEqual(['finished', 'finished']);
});

test('drain() sends what waits for the name first', async () => {
  const target = await udpTarget();
  const known = Promise.withResolvers<void>();
  const local = localTarget(target.port);
  const lookup = (signal: AbortSignal) => known.promise.then(() => local.resolve(signal));
  const relay = await udpRelay({ ...local, resolve: lookup }, { answers: false });
  const client = await udpSocket();
  client.send('event', relay.port, '127.0.0.1');
  await expect.poll(() => relay.live).toBe(1);

  const drained = relay.drain(AbortSignal.timeout(20_000));
  known.resolve();
  expect((await target.next()).datagram.toString()).toBe('event');
  await drained;
});

test('listenUdp() drops a datagram that comes from port 0, where no answer can go', async () => {
  const target = await udpTarget();
  const sockets = await udpSockets();
  const { received } = sockets;
  const fromNowhere: Datagrams = {
    get count() {
      return received.count;
    },
    isFull: false,
    size: (i) => received.size(i),
    bytes: (i) => received.bytes(i),
    copy: (i) => received.copy(i),
    destination: (i) => received.destination(i),
    addressOfDestination: (destination) => received.addressOfDestination(destination),
    flow: (i) => received.flow(i),
    isOfSameFlow: (i, j) => received.isOfSameFlow(i, j),
    addressOf: (flow) => ({ ...received.addressOf(flow), port: 0 }),
  };
  const came = Promise.withResolvers<void>();
  const relay = await udpRelay(localTarget(target.port), {
    sockets: {
      received: fromNowhere,
      bind: (place) => sockets.bind(place),
      connect: (peer) => sockets.connect(peer),
    },
    onTraffic: () => came.resolve(),
  });
  (await udpSocket()).send('nowhere', relay.port, '127.0.0.1');
  await came.promise;
  expect(relay.live).toBe(0);
  expect(relay.counts().opened).toBe(0);
});

/** A relay whose target's name is not known until `tell` is called, and what has reached the target. */
async function relayBeforeTheName(options: Parameters<typeof udpRelay>[1] = {}) {
  const target = await udpTarget();
  const known = Promise.withResolvers<void>();
  const local = localTarget(target.port);
  const resolve = (signal: AbortSignal) => known.promise.then(() => local.resolve(signal));
  const relay = await udpRelay({ ...local, resolve }, options);
  const arrived: string[] = [];
  target.socket.on('message', (datagram) => arrived.push(String(datagram.subarray(0, 10))));
  return { relay, arrived, tell: () => known.resolve() };
}

test('listenUdp() bounds what waits for the name, empty datagrams too, and counts what is lost', async () => {
  let kept = 0;
  class CountingCrowd extends Crowd {
    override hold(...[member, bytes]: Parameters<Crowd['hold']>): void {
      kept++;
      super.hold(member, bytes);
    }
  }
  const waiting = new CountingCrowd({ size: 1, bytes: Infinity, leaver: 'newest' });
  const { relay, arrived, tell } = await relayBeforeTheName({ waiting });
  const client = await udpSocket();
  for (let hundreds = 1; hundreds <= 20; hundreds++) {
    for (let i = 0; i < 100; i++) client.send(i === 0 ? '!' : '', relay.port, '127.0.0.1');
    await expect.poll(() => kept + relay.counts().lost).toBe(hundreds * 100);
  }
  expect([kept, relay.counts().sent]).toEqual([1_023, 0]);
  tell();
  await expect.poll(() => arrived.length).toBeGreaterThan(0);
  expect(relay.counts()).toMatchObject({ sent: 11, lost: 977 });
});

test('listenUdp() bounds what waits for the name over all sessions, of the address that takes most room', async () => {
  const waiting = new Crowd({ size: Infinity, bytes: 150_000, leaver: 'newest' });
  const [one, other] = [await relayBeforeTheName({ waiting }), await relayBeforeTheName({ waiting })];
  const [modest, greedy, greedier] = [
    await udpSocket('udp4', '127.0.0.2'),
    await udpSocket('udp4', '127.0.0.3'),
    await udpSocket('udp4', '127.0.0.3'),
  ];
  const send = async (client: Socket, { relay }: typeof one, name: string) => {
    const { opened } = relay.counts();
    client.send(name.padEnd(40_000), relay.port, '127.0.0.1');
    await expect.poll(() => relay.counts().opened).toBe(opened + 1);
  };
  await send(modest, one, 'modest');
  await send(greedy, one, 'greedy');
  await send(greedier, other, 'greedier');
  expect(one.relay.counts().lost + other.relay.counts().lost).toBe(0);
  await send(modest, other, 'modest');
  expect([one.relay.counts().lost, other.relay.counts().lost]).toEqual([0, 1]);

  one.tell();
  other.tell();
  await expect.poll(() => [one.arrived.length, other.arrived.length]).toEqual([2, 1]);
  expect([...one.arrived, ...other.arrived].map((text) => text.trim())).toEqual([
    'modest',
    'greedy',
    'modest',
  ]);
  // What was sent waits no longer: there is room for others.
  const next = await relayBeforeTheName({ waiting });
  for (const client of [modest, greedy, greedier]) await send(client, next, 'next');
  expect(next.relay.counts().lost).toBe(0);
});

test('listenUdp() counts as lost what a session holds that gives way to another, and makes room', async () => {
  const waiting = new Crowd({ size: 1, bytes: Infinity, leaver: 'newest' });
  const { relay, arrived, tell } = await relayBeforeTheName({ waiting, maxConnections: 1 });
  for (const word of ['first', 'second']) {
    const { opened } = relay.counts();
    (await udpSocket()).send(word, relay.port, '127.0.0.1');
    await expect.poll(() => relay.counts().opened).toBe(opened + 1);
  }
  expect(relay.counts().lost).toBe(1);
  tell();
  await expect.poll(() => arrived).toEqual(['second']);
});

test('listenUdp() keeps the order and the boundaries of datagrams that come in a burst', async () => {
  const target = await udpTarget();
  const relay = await udpRelay(localTarget(target.port));
  const [a, b] = [await udpSocket(), await udpSocket()];
  // Of the same size and not, empty, larger than a packet, from one client and from two.
  const sizes = [...Array<number>(70).fill(100), 60, 100, 100, 0, 0, 100, 101, 5_000, 5_000, 5_000, 1, 1];
  const sent = sizes.map((size, i) => {
    const client = i % 7 === 6 ? b : a;
    return { client, datagram: Buffer.alloc(size, i) };
  });
  const open = async (client: Socket) => {
    client.send('first', relay.port, '127.0.0.1');
    return (await target.next()).from.port;
  };
  const clients = new Map([
    [await open(a), a],
    [await open(b), b],
  ]);

  for (const { client, datagram } of sent) client.send(datagram, relay.port, '127.0.0.1');
  const arrived = [];
  for (const _ of sent) arrived.push(await target.next());
  for (const client of [a, b]) {
    const of = <T>(all: readonly T[], clientOf: (one: T) => Socket | undefined) =>
      all.filter((one) => clientOf(one) === client);
    expect(of(arrived, ({ from }) => clients.get(from.port)).map(({ datagram }) => datagram)).toEqual(
      of(sent, (one) => one.client).map(({ datagram }) => datagram),
    );
  }

  const back: Buffer[] = [];
  a.on('message', (datagram) => back.push(datagram));
  const [toA] = clients.keys();
  for (const { datagram } of sent) target.socket.send(datagram, toA, '127.0.0.1');
  await expect.poll(() => back.length).toBe(sent.length);
  expect(back).toEqual(sent.map(({ datagram }) => datagram));
});

test('listenUdp() drops a datagram that no way to the target can carry, and relays on', async () => {
  const target = await udpTarget();
  const relay = await udpRelay(localTarget(target.port));
  const client = await udpSocket('udp6');
  const largest = Buffer.alloc(65_527); // an IPv4 packet has room for 20 bytes less
  for (const datagram of ['before', largest, 'after']) client.send(datagram, relay.port, '::1');
  const [before, after] = [await target.next(), await target.next()];
  expect([before, after].map(({ datagram }) => String(datagram))).toEqual(['before', 'after']);
  expect(after.from.port).toBe(before.from.port);
  client.send(largest, relay.port, '::1');
  client.send('end', relay.port, '::1');
  const end = await target.next();
  expect(String(end.datagram)).toBe('end');
  expect(end.from.port).toBe(before.from.port);
});

test('listenUdp() tells clients apart that have the same port', async () => {
  const target = await udpTarget();
  const relay = await udpRelay(localTarget(target.port));
  const one = await udpSocket();
  const other = await udpSocket('udp4', '127.0.0.2', one.address().port);
  for (let i = 0; i < 3; i++) {
    one.send('one', relay.port, '127.0.0.1');
    other.send('other', relay.port, '127.0.0.1');
  }
  const ports = new Map<string, Set<number>>([
    ['one', new Set()],
    ['other', new Set()],
  ]);
  for (let i = 0; i < 6; i++) {
    const { datagram, from } = await target.next();
    ports.get(String(datagram))?.add(from.port);
  }
  const [ofOne, ofOther] = [...ports.values()].map((set) => [...set]);
  expect([ofOne?.length, ofOther?.length]).toEqual([1, 1]);
  expect(ofOne).not.toEqual(ofOther);
});

test.each([
  ['IPv6 answers come between', ['127.0.0.1'], '::1'],
  ['IPv6 clients come between', ['127.0.0.1', '::1'], '127.0.0.1'],
])('listenUdp() knows an IPv4 client again when %s', async (_, bind, host) => {
  const type = host === '::1' ? 'udp6' : 'udp4';
  const target = await udpTarget(type);
  const relay = await udpRelay(localTarget(target.port, [host]), { bind });
  const [client, other] = [await udpSocket(), await udpSocket('udp6')];
  const ports = new Set<number>();
  for (let i = 0; i < 4; i++) {
    const answered = nextMessage(client);
    client.send('question', relay.port, '127.0.0.1');
    const { from } = await target.next();
    ports.add(from.port);
    target.socket.send('answer', from.port, from.address);
    await answered;
    if (bind.length === 1) continue;
    other.send('between', relay.port, '::1');
    await target.next();
  }
  expect(ports.size).toBe(1);
  expect(relay.live).toBe(bind.length);
});

test('listenUdp() answers from the address that was asked', async () => {
  const target = await udpTarget();
  const relay = await udpRelay(localTarget(target.port), { bind: ['127.0.0.1', '127.0.0.2', '::1'] });
  const client = await udpSocket();
  for (const host of ['127.0.0.2', '127.0.0.1', '127.0.0.2']) {
    const answered = nextMessage(client);
    client.send('question', relay.port, host);
    const { from } = await target.next();
    target.socket.send('answer', from.port, from.address);
    expect((await answered).from).toMatchObject({ address: host, port: relay.port });
  }
  expect(relay.live).toBe(2);
});

test('listenUdp() shares its port with another that does, and all IPv6 with all IPv4', async () => {
  const bind = ['::', '0.0.0.0'];
  const { port } = await udpRelay(localTarget(1), { sharesPort: true, bind });
  const other = await udpRelay(localTarget(1), { sharesPort: true, bind, port });
  expect(other.port).toBe(port);
});

test('listenUdp() goes to another address when one has refused', async () => {
  const target = await udpTarget();
  const log = testLog();
  const relay = await udpRelay(localTarget(target.port, ['::1', '127.0.0.1']), { log });
  const client = await udpSocket();
  client.send('refused', relay.port, '127.0.0.1');
  await log.line('session failed');
  client.send('relayed', relay.port, '127.0.0.1');
  expect(String((await target.next()).datagram)).toBe('relayed');
});

test('listenUdp() without answers looks at each client, though all share a session', async () => {
  const target = await udpTarget();
  const options = { answers: false, allowFrom: [['127.0.0.1', 32]] } as const;
  const relay = await udpRelay(localTarget(target.port), options);
  const [welcome, unwelcome] = [await udpSocket(), await udpSocket('udp4', '127.0.0.2')];
  for (const word of ['one', 'two']) {
    welcome.send(word, relay.port, '127.0.0.1');
    expect(String((await target.next()).datagram)).toBe(word);
    for (let i = 0; i < 3; i++) unwelcome.send('no', relay.port, '127.0.0.1');
  }
  await expect.poll(() => relay.counts().refused).toEqual({ 'source not allowed': 6 });
  welcome.send('three', relay.port, '127.0.0.1');
  expect(String((await target.next()).datagram)).toBe('three');
});

/** What no target answers. */
const UNWANTED = 'unwanted';

/** Targets at several addresses of this host, with one port: what reaches each, and by which port it came. */
async function targetsAt<Host extends string>(hosts: readonly Host[]) {
  const came: { readonly host: Host; readonly text: string; readonly port: number }[] = [];
  const sockets = {} as Record<Host, Socket>;
  /** Who answers at once. */
  const answering = new Set<Host>();
  let port = 0;
  for (const host of hosts) {
    const socket = await udpSocket(host.includes(':') ? 'udp6' : 'udp4', host, port);
    ({ port } = socket.address());
    sockets[host] = socket;
    socket.on('message', (datagram, from) => {
      came.push({ host, text: String(datagram), port: from.port });
      if (answering.has(host) && !String(datagram).startsWith(UNWANTED))
        socket.send(host, from.port, from.address);
    });
  }
  return { port, sockets, came, answering };
}

/** A client that goes on sending, numbered, until it is told to stop, and what it hears. */
async function goingOn(port: number, word = '') {
  const client = await udpSocket();
  const heard: string[] = [];
  client.on('message', (datagram) => heard.push(String(datagram)));
  let count = 0;
  const send = () => client.send(`${word}${count++}`, port, '127.0.0.1');
  send();
  const sending = setInterval(send, 10);
  onTestFinished(() => clearInterval(sending));
  return { heard, stop: () => clearInterval(sending) };
}

const PATIENCE = 600;

test('listenUdp() has a session go on with the newer address when its own goes silent', async () => {
  const { port, came, answering } = await targetsAt(['127.0.0.2', '127.0.0.3']);
  answering.add('127.0.0.2').add('127.0.0.3');
  let now = '127.0.0.2';
  const log = testLog();
  const failures: (string | null)[] = [];
  const target = {
    ...localTarget(port),
    resolve: async () => [{ address: now, family: 4 }],
  };
  const onDial = (failure: string | null) => failures.push(failure);
  const relay = await udpRelay(target, { patience: PATIENCE, log, onDial });
  const { heard, stop } = await goingOn(relay.port);
  await expect.poll(() => heard).toContain('127.0.0.2');
  now = '127.0.0.3';
  answering.delete('127.0.0.2');
  await expect.poll(() => heard).toContain('127.0.0.3');
  stop();

  const err = `no answer from target.test:${port}: 127.0.0.2:${port} is silent`;
  const { level, fields } = await log.line('no answer: the session goes on with another address');
  expect([level, String(fields['err'])]).toEqual(['warn', `AnswerError: ${err}`]);
  expect(fields['address']).toBe(`127.0.0.3:${port}`);
  expect(failures).toEqual([err, null]);
  expect(relay.counts()).toMatchObject({ opened: 1, unanswered: 1 });
  expect([relay.live, relay.lastFailure]).toEqual([1, null]);
  // Nothing is lost, and nothing is sent twice.
  expect(came.map(({ text }) => Number(text))).toEqual(came.map((_, i) => i));
});

test('listenUdp() leaves a silent address to others for a while', async () => {
  const { port, came, answering } = await targetsAt(['::1', '127.0.0.1']);
  answering.add('127.0.0.1');
  const relay = await udpRelay(localTarget(port, ['::1', '127.0.0.1']), { patience: PATIENCE });
  const first = await goingOn(relay.port);
  await expect.poll(() => first.heard).toContain('127.0.0.1');
  first.stop();
  const before = came.filter(({ host }) => host === '::1').length;
  const second = await goingOn(relay.port);
  await expect.poll(() => second.heard).toContain('127.0.0.1');
  expect(came.filter(({ host }) => host === '::1')).toHaveLength(before);
});

test('listenUdp() leaves the address of a session that ended without an answer to others', async () => {
  const { port, answering } = await targetsAt(['::1', '127.0.0.1']);
  answering.add('127.0.0.1');
  const log = testLog();
  const relay = await udpRelay(localTarget(port, ['::1', '127.0.0.1']), { sessionTimeout: 500, log });
  (await udpSocket()).send('once', relay.port, '127.0.0.1');
  await log.line('session ended');
  expect(relay.lastFailure).toBe(`no answer from target.test:${port}: [::1]:${port} is silent`);
  expect(relay.counts().unanswered).toBe(1);
  const client = await udpSocket();
  const answered = nextMessage(client);
  client.send('again', relay.port, '127.0.0.1');
  expect(String((await answered).datagram)).toBe('127.0.0.1');
  expect(relay.lastFailure).toBe(null);
});

test.each([
  ['has no other address', ['127.0.0.1'], { answers: true }],
  ['is not expected to answer', ['127.0.0.1', '127.0.0.2'], { answers: false }],
] as const)('listenUdp() leaves a session where it is when the target %s', async (_, hosts, options) => {
  const { port, came } = await targetsAt(hosts);
  const asked: unknown[] = [];
  const local = localTarget(port, hosts);
  const resolve = (signal: AbortSignal, how?: unknown) => {
    asked.push(how);
    return local.resolve(signal);
  };
  const relay = await udpRelay({ ...local, resolve }, { ...options, patience: PATIENCE });
  await goingOn(relay.port);
  await expect.poll(() => came.length).toBeGreaterThan(50);
  await expect.poll(() => relay.counts().unanswered).toBe(options.answers ? 1 : 0);
  expect(new Set(came.map((each) => each.port)).size).toBe(1);
  expect(came.map(({ text }) => Number(text))).toEqual(came.map((__, i) => i));
  // One address after the other is silent; the name is asked for anew when that is news.
  expect(asked.filter((how) => how !== undefined)).toEqual(options.answers ? [{ fresh: true }] : []);
});

test('listenUdp() leaves a session alone whose address answers others, and counts it while it lives', async () => {
  const { port, came, answering } = await targetsAt(['127.0.0.2', '127.0.0.3']);
  answering.add('127.0.0.2');
  const hosts = ['127.0.0.2'];
  const failures: (string | null)[] = [];
  const target = {
    ...localTarget(port),
    resolve: () => localTarget(port, hosts).resolve(AbortSignal.any([])),
  };
  const onDial = (failure: string | null) => failures.push(failure);
  const relay = await udpRelay(target, { patience: PATIENCE, onDial });
  const answered = await goingOn(relay.port);
  await expect.poll(() => answered.heard.length).toBeGreaterThan(0);
  const unanswered = await goingOn(relay.port, UNWANTED);
  await expect.poll(() => came.some(({ text }) => text.startsWith(UNWANTED))).toBe(true);
  hosts.push('127.0.0.3');
  await expect.poll(() => relay.counts().unanswered).toBe(1);
  const before = came.length;
  await expect.poll(() => came.length).toBeGreaterThan(before + 50);
  expect([...new Set(came.map(({ host }) => host))]).toEqual(['127.0.0.2']);
  expect([unanswered.heard, failures]).toEqual([[], []]);
  expect(relay.counts()).toMatchObject({ opened: 2, unanswered: 1 });
});

test('listenUdp() does not send a session round while all addresses are silent', async () => {
  const hosts = ['127.0.0.2', '127.0.0.3'] as const;
  const { port, came } = await targetsAt(hosts);
  let looked = 0;
  const resolve = (signal: AbortSignal) => {
    looked++;
    return localTarget(port, hosts).resolve(signal);
  };
  const relay = await udpRelay({ ...localTarget(port), resolve }, { patience: PATIENCE });
  await goingOn(relay.port);
  // When it is opened, when it moves, and when it finds nothing better, of which the first time is news.
  await expect.poll(() => looked).toBe(6);
  expect(new Set(came.map((each) => each.port)).size).toBe(2);
});

test('listenUdp() passes a late answer on, and goes on with the address that gave it', async () => {
  const { port, came, sockets } = await targetsAt(['127.0.0.2', '127.0.0.3']);
  const log = testLog();
  const relay = await udpRelay(localTarget(port, ['127.0.0.2', '127.0.0.3']), { patience: PATIENCE, log });
  const { heard } = await goingOn(relay.port);
  await log.line('no answer: the session goes on with another address');
  const { host, port: by } = came[0] as (typeof came)[number];
  sockets[host].send('late', by, '127.0.0.1');
  await expect.poll(() => heard).toEqual(['late']);
  const after = came.length;
  await expect.poll(() => came.length).toBeGreaterThan(after + 3);
  expect(came.slice(after + 1).every((each) => each.port === by)).toBe(true);
});

/** What UDP relays are made of, and what has been opened of it. */
async function keptSockets() {
  const sockets = await udpSockets();
  const opened: UdpSocket[] = [];
  const keep = async (opening: Promise<UdpSocket>) => {
    const socket = await opening;
    opened.push(socket);
    return socket;
  };
  const kept: UdpSockets = {
    received: sockets.received,
    bind: (place) => keep(sockets.bind(place)),
    connect: (peer) => keep(sockets.connect(peer)),
  };
  return { sockets: kept, opened };
}

test('listenUdp() counts what there is no room to send, either way', async () => {
  const target = await udpTarget();
  const { sockets, opened } = await keptSockets();
  const relay = await udpRelay(localTarget(target.port), { sockets });
  (await udpSocket()).send('question', relay.port, '127.0.0.1');
  await target.next();
  for (const socket of opened) socket.emit('lost', 3);
  expect(relay.counts().lost).toBe(6);
});

test('listenUdp() ends a session whose host cannot be reached, but none that has been answered', async () => {
  const target = await udpTarget();
  const { sockets, opened } = await keptSockets();
  const log = testLog();
  const relay = await udpRelay(localTarget(target.port), { sockets, log });
  const client = await udpSocket();
  const tell = () => opened.at(-1)?.emit('error', Object.assign(new Error(), { code: 'EHOSTUNREACH' }));
  client.send('unanswered', relay.port, '127.0.0.1');
  await target.next();
  tell();
  expect(String((await log.line('session failed')).fields['err'])).toBe(
    `AnswerError: no answer from target.test:${target.port}: 127.0.0.1:${target.port} cannot be reached (EHOSTUNREACH): is the host up, and is there a way to it?`,
  );

  const answered = nextMessage(client);
  client.send('answered', relay.port, '127.0.0.1');
  const { from } = await target.next();
  target.socket.send('answer', from.port, from.address);
  await answered;
  tell();
  client.send('again', relay.port, '127.0.0.1');
  expect((await target.next()).from.port).toBe(from.port);
});

test('listenUdp() has a session that was answered go on at once with another address when its host cannot be reached', async () => {
  const { port, came, answering } = await targetsAt(['127.0.0.2', '127.0.0.3']);
  answering.add('127.0.0.2').add('127.0.0.3');
  let now = '127.0.0.2';
  const { sockets, opened } = await keptSockets();
  const log = testLog();
  // The answer that is kept is old.
  const resolve = async (_: AbortSignal, { fresh = false } = {}) => [
    { address: fresh ? now : '127.0.0.2', family: 4 },
  ];
  const relay = await udpRelay({ ...localTarget(port), resolve }, { sockets, log });
  const client = await udpSocket();
  const answered = nextMessage(client);
  client.send('one', relay.port, '127.0.0.1');
  await answered;
  answering.delete('127.0.0.2');
  now = '127.0.0.3';
  client.send('two', relay.port, '127.0.0.1');
  await expect.poll(() => came.length).toBe(2);
  opened.at(-1)?.emit('error', Object.assign(new Error(), { code: 'EHOSTUNREACH' }));
  const { fields } = await log.line('no answer: the session goes on with another address');
  expect(String(fields['err'])).toContain(`127.0.0.2:${port} cannot be reached (EHOSTUNREACH)`);
  expect(relay.lastFailure).toContain('cannot be reached');
  const again = nextMessage(client);
  client.send('three', relay.port, '127.0.0.1');
  expect(String((await again).datagram)).toBe('127.0.0.3');
  expect(relay.lastFailure).toBe(null);
});

test('listenUdp() answers other clients while some refuse their answers', async () => {
  const target = await udpTarget();
  const relay = await udpRelay(localTarget(target.port));
  const client = await udpSocket();
  let heard = 0;
  client.on('message', () => heard++);
  client.send('question', relay.port, '127.0.0.1');
  const { from } = await target.next();
  for (let round = 1; round <= 20; round++) {
    const gone = createSocket('udp4');
    gone.send('question', relay.port, '127.0.0.1');
    const other = await target.next();
    await new Promise<void>((resolve) => gone.close(resolve));
    for (let i = 0; i < 3; i++) target.socket.send('refused', other.from.port, other.from.address);
    target.socket.send('answer', from.port, from.address);
    await expect.poll(() => heard).toBe(round);
  }
  expect(relay.counts().lost).toBe(0);
});

test('listenUdp() counts each datagram that is refused', async () => {
  const blackoutFlag = new BlackoutFlag();
  blackoutFlag.isOn = true;
  const relay = await udpRelay(localTarget(1), { blackoutFlag });
  const client = await udpSocket();
  for (let i = 0; i < 10; i++) client.send('x', relay.port, '127.0.0.1');
  await expect.poll(() => relay.counts().refused).toEqual({ blackout: 10 });
});

test('drain() cuts off what is still owed an answer when its signal comes', async () => {
  const target = await udpTarget();
  const log = testLog();
  const relay = await udpRelay(localTarget(target.port), { log });
  const client = await udpSocket();

  client.send('question', relay.port, '127.0.0.1');
  await target.next();
  await relay.drain(AbortSignal.timeout(50));
  expect((await log.line('session ended')).fields).toMatchObject({ ending: 'cut off' });
});

test('listenUdp() rejects when the port is taken', async () => {
  const relay = await udpRelay(localTarget(1));
  await expect(udpRelay(localTarget(1), { port: relay.port })).rejects.toThrow(
    `failed to listen on udp port ${relay.port}: `,
  );
});

test('failed rejects when the listener dies', async () => {
  const { sockets, opened } = await keptSockets();
  const relay = await udpRelay(localTarget(1), { sockets });
  opened[0]?.emit('error', new Error('it broke'));
  await expect(relay.failed).rejects.toThrow(`failed to go on listening on udp port ${relay.port}: it broke`);
});

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';

import { describe, expect, onTestFinished, test } from 'vitest';

import { type BareDatagramSocket, BareDatagrams } from '../../src/kernel/bare-datagrams.ts';
import { allocate, type Calls } from '../../src/kernel/calls.ts';
import { LARGEST_REPLY } from '../../src/kernel/datagram-replies.ts';
import { type Kernel, openKernel } from '../../src/kernel/kernel.ts';
import { SocketOptions } from '../../src/kernel/socket-options.ts';
import { udpSocket } from '../helpers/sockets.ts';

const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_NO_CHECK = 11;
const SO_MEMINFO = 55;
const SOL_UDP = 17;
const UDP_GRO = 104;

const kernel = openKernel() as Kernel;
const datagrams = new BareDatagrams(kernel);
const { received } = datagrams;

const binding = {
  address: '127.0.0.1',
  port: 0,
  ipv6Only: false,
  sharesPort: false,
  bufferSize: 1024 * 1024,
};

/** Both are closed with the test. */
async function bound(options: Partial<typeof binding> = {}): Promise<BareDatagramSocket> {
  const socket = await datagrams.bind({ ...binding, ...options });
  onTestFinished(() => socket.close());
  return socket;
}

async function connectedTo(port: number): Promise<BareDatagramSocket> {
  const socket = await datagrams.connect({ address: '127.0.0.1', port, bufferSize: 1024 * 1024 });
  onTestFinished(() => socket.close());
  return socket;
}

/** Has `take` told of datagrams that a bare socket receives together, and returns what it returns. */
async function receive<T>(sent: readonly Buffer[], take: (socket: BareDatagramSocket) => T): Promise<T> {
  const [socket, client] = [await bound(), await udpSocket()];
  const taken = Promise.withResolvers<T>();
  socket.on('datagrams', () => taken.resolve(take(socket)));
  for (const datagram of sent) client.send(datagram, socket.address().port, '127.0.0.1');
  return taken.promise;
}

/** The kernel, but for a call that fails so. */
function failing(name: 'recvmmsg' | 'sendmmsg' | 'setsockopt', code: keyof typeof constants.errno): Kernel {
  let hasFailed = false;
  const fail = () => {
    hasFailed = true;
    return -1;
  };
  const errno = () => {
    const result = hasFailed ? constants.errno[code] : kernel.calls.errno();
    hasFailed = false;
    return result;
  };
  const calls: Calls = { ...kernel.calls, errno, [name]: Object.assign(fail, { pointer: 0n }) };
  return { ...kernel, calls, options: new SocketOptions(calls) };
}

/** The next so many. */
function collect(socket: Socket, count: number): Promise<readonly Buffer[]> {
  const all: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<readonly Buffer[]>();
  socket.on('message', (datagram) => {
    if (all.push(datagram) === count) resolve(all);
  });
  return promise;
}

/** What a socket is told, up to an error and in order. */
function toldUntilError(socket: BareDatagramSocket): Promise<readonly string[]> {
  const told: string[] = [];
  socket.on('datagrams', () => told.push(String(received.copy(0))));
  return new Promise((resolve) => socket.on('error', ({ message }) => resolve([...told, message])));
}

/** A socket that takes datagrams together where they come so (UDP_GRO of udp(7)), and the sizes of what it takes first. */
async function gathering() {
  const socket = await bound();
  switchOn(socket.fd, SOL_UDP, UDP_GRO);
  const sizes = new Promise<readonly number[]>((resolve) => {
    socket.on('datagrams', () => resolve(Array.from({ length: received.count }, (_, i) => received.size(i))));
  });
  return { port: socket.address().port, sizes };
}

function switchOn(fd: number, level: number, name: number): void {
  const on = allocate(kernel.calls, Int32Array.BYTES_PER_ELEMENT);
  on.bytes.writeInt32LE(1);
  expect(kernel.calls.setsockopt(fd, level, name, on.pointer, on.bytes.length)).toBe(0);
}

/** What waits to be received of a socket, errors too, in bytes (SO_MEMINFO). */
function roomTaken(fd: number): number {
  const [info, size] = [allocate(kernel.calls, 36), allocate(kernel.calls, Int32Array.BYTES_PER_ELEMENT)];
  size.bytes.writeInt32LE(info.bytes.length);
  expect(kernel.calls.getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info.pointer, size.pointer)).toBe(0);
  return info.bytes.readInt32LE();
}

const ofSizes = (...sizes: readonly number[]) => sizes.map((size, i) => Buffer.alloc(size, i + 1));

test('received has what came together, and tells flows apart', async () => {
  const socket = await bound();
  const [a, b] = [await udpSocket(), await udpSocket()];
  const seen = Promise.withResolvers<object>();
  socket.on('datagrams', () => {
    const places = Array.from({ length: received.count }, (_, i) => i);
    seen.resolve({
      copies: places.map((i) => received.copy(i)),
      sizes: places.map((i) => received.size(i)),
      ports: places.map((i) => received.addressOf(received.flow(i)).port),
      pairs: [received.isOfSameFlow(0, 1), received.isOfSameFlow(1, 2)],
    });
  });
  const sent = ofSizes(3, 0, 65_507);
  const clients = [a, b, b];
  for (const [i, client] of clients.entries())
    client.send(sent[i] as Buffer, socket.address().port, '127.0.0.1');
  expect(await seen.promise).toEqual({
    copies: sent,
    sizes: [3, 0, 65_507],
    ports: clients.map((client) => client.address().port),
    pairs: [false, true],
  });
});

test('a socket is told of all that came, however much it is', async () => {
  const socket = await bound();
  const client = await udpSocket();
  const counts: number[] = [];
  socket.on('datagrams', () => counts.push(received.count));
  for (let i = 0; i < 200; i++) client.send('x', socket.address().port, '127.0.0.1');
  await expect.poll(() => counts.reduce((sum, count) => sum + count, 0)).toBe(200);
  expect(counts.length).toBeLessThan(10);
});

test('send() sends on a part, in order', async () => {
  const target = await udpSocket();
  const onward = await connectedTo(target.address().port);
  const sent = ofSizes(100, 100, 60, 100, 0, 0, 100, 101, 5_000, 5_000, 1, 1, 1);
  const arrived = collect(target, sent.length - 2);
  await receive(sent, () => onward.send(1, sent.length - 1));
  expect(await arrived).toEqual(sent.slice(1, -1));
});

test('send() answers who sent something', async () => {
  const socket = await bound();
  const [client, other] = [await udpSocket(), await udpSocket()];
  socket.on('datagrams', () => socket.send(0, received.count, received.flow(0)));
  const answers = collect(client, 2);
  client.send('question', socket.address().port, '127.0.0.1');
  other.send('also for the first', socket.address().port, '127.0.0.1');
  expect(String(await answers)).toBe('question,also for the first');
});

test('reply() sends each sender what is written for it, and nothing to whom nothing is', async () => {
  const socket = await bound();
  const clients = [await udpSocket(), await udpSocket(), await udpSocket()];
  const rooms = new Set<number>();
  socket.on('datagrams', () =>
    socket.reply((i, room) => {
      rooms.add(room.length);
      const asked = String(received.bytes(i));
      return asked.startsWith('silent') ? 0 : room.write(`re: ${asked}`);
    }),
  );
  const heard = clients.map((client) => collect(client, 40));
  for (let i = 0; i < 40; i++) {
    for (const [number, client] of clients.entries()) {
      client.send('silent', socket.address().port, '127.0.0.1');
      client.send(`${number} ${i}`, socket.address().port, '127.0.0.1');
    }
  }
  for (const [number, answers] of heard.entries())
    expect((await answers).map(String)).toEqual(Array.from({ length: 40 }, (_, i) => `re: ${number} ${i}`));
  expect([...rooms]).toEqual([LARGEST_REPLY]);
});

test('reply() loses nothing where the kernel tells that another is gone', async () => {
  const socket = await bound();
  const lost: number[] = [];
  socket.on('error', () => expect.unreachable()).on('lost', (count) => lost.push(count));
  const [well, gone] = [await udpSocket(), createSocket('udp4').bind(0, '127.0.0.1')];
  await once(gone, 'listening');
  const toGone = Promise.withResolvers<string>();
  socket.once('datagrams', () => {
    gone.close();
    toGone.resolve(received.flow(0));
  });
  gone.send('x', socket.address().port, '127.0.0.1');
  const flow = await toGone.promise;
  socket.on('datagrams', () => {
    // The kernel tells of this one when the next is sent.
    socket.send(0, 1, flow);
    socket.reply((i, room) => room.write(String(received.bytes(i))));
  });
  const heard = collect(well, 30);
  for (let i = 0; i < 30; i++) well.send(`${i}`, socket.address().port, '127.0.0.1');
  expect((await heard).map(Number)).toEqual(Array.from({ length: 30 }, (_, i) => i));
  expect(lost).toEqual([]);
});

describe.each([
  ['::', ['127.0.0.5', '127.0.0.6', '::1']],
  ['0.0.0.0', ['127.0.0.5', '127.0.0.6']],
])('a socket that is bound to all addresses, %s,', (address, hosts) => {
  test.each([
    ['a datagram', ofSizes(100)],
    ['a train', ofSizes(100, 100, 100, 60)],
    ['what is no train', ofSizes(100, 0, 2_000, 2_000, 7)],
  ])('answers from the one that was asked, with %s', async (_, sent) => {
    const socket = await bound({ address });
    const { port } = socket.address();
    const flows = new Set<string>();
    socket.on('datagrams', () => {
      for (let i = 0; i < received.count; i++) {
        flows.add(received.flow(i));
        socket.send(i, i + 1, received.flow(i));
      }
    });
    for (const host of hosts) {
      const client = await udpSocket(host === '::1' ? 'udp6' : 'udp4');
      // Who is connected hears nobody else.
      client.connect(port, host);
      await once(client, 'connect');
      const answers = collect(client, sent.length);
      for (const datagram of sent) client.send(datagram);
      expect(await answers).toEqual(sent);
    }
    expect(flows.size).toBe(hosts.length);
  });

  test('replies from the one that was asked, and tells which that was', async () => {
    const socket = await bound({ address });
    socket.on('datagrams', () =>
      socket.reply((i, room) => {
        const destination = received.destination(i);
        return room.write(`${destination.length} ${received.addressOfDestination(destination)}`);
      }),
    );
    const { port } = socket.address();
    const client4 = await udpSocket();
    const heard: string[] = [];
    for (const host of hosts) {
      const client = host === '::1' ? await udpSocket('udp6') : client4;
      const answered = once(client, 'message');
      client.send('?', port, host);
      const [answer, from] = (await answered) as [Buffer, { address: string }];
      heard.push(`${String(answer)} from ${from.address}`);
    }
    expect(heard).toEqual(hosts.map((host) => `${host === '::1' ? 16 : 4} ${host} from ${host}`));
  });

  test('tells flows of one client to two of them apart, and answers a train of each', async () => {
    const socket = await bound({ address });
    const client = await udpSocket();
    const heard: string[] = [];
    client.on('message', (datagram, from) => heard.push(`${from.address} ${datagram.length}`));
    const pairs = new Set<string>();
    socket.on('datagrams', () => {
      for (let i = 1; i < received.count; i++) {
        const isSame = received.flow(i - 1) === received.flow(i);
        pairs.add(
          `${received.size(i - 1)} ${received.size(i)} ${received.isOfSameFlow(i - 1, i) === isSame}`,
        );
      }
      for (let i = 0; i < received.count; i += 2)
        socket.send(i, Math.min(i + 2, received.count), received.flow(i));
    });
    const { port } = socket.address();
    for (const [host, size] of [
      ['127.0.0.5', 50],
      ['127.0.0.5', 50],
      ['127.0.0.6', 60],
      ['127.0.0.6', 60],
    ] as const)
      client.send(Buffer.alloc(size), port, host);
    await expect.poll(() => heard).toEqual(['127.0.0.5 50', '127.0.0.5 50', '127.0.0.6 60', '127.0.0.6 60']);
    expect([...pairs]).toEqual(['50 50 true', '50 60 true', '60 60 true']);
  });

  test('answers a broadcast from one of its own', async () => {
    const socket = await bound({ address });
    socket.on('datagrams', () => socket.send(0, received.count, received.flow(0)));
    const client = await udpSocket();
    client.setBroadcast(true);
    const answered = once(client, 'message');
    client.send('to all', socket.address().port, '127.255.255.255');
    expect(String((await answered)[0])).toBe('to all');
  });
});

test('send() hands datagrams of one size to the kernel as one, and a shorter one at the end', async () => {
  const target = await gathering();
  const onward = await connectedTo(target.port);
  const sent = ofSizes(100, 100, 60, 100, 0, 0, 1_472, 1_472, 1_473, 1_473, 7, 8);
  await receive(sent, () => onward.send(0, sent.length));
  expect(await target.sizes).toEqual([260, 100, 0, 0, 2 * 1_472, 1_473, 1_473, 7, 8]);
});

test('send() sends no more at once than one datagram may have', async () => {
  const target = await gathering();
  const onward = await connectedTo(target.port);
  const sent = ofSizes(...Array<number>(60).fill(1_400));
  await receive(sent, () => onward.send(0, sent.length));
  expect(await target.sizes).toEqual([46 * 1_400, 14 * 1_400]);
});

test('send() sends one by one what cannot be cut on its way', async () => {
  const target = await udpSocket();
  const onward = await connectedTo(target.address().port);
  switchOn(onward.fd, SOL_SOCKET, SO_NO_CHECK); // what is cut needs checksums
  const sent = ofSizes(100, 100, 100, 50);
  const arrived = collect(target, sent.length);
  await receive(sent, () => onward.send(0, sent.length));
  expect(await arrived).toEqual(sent);
});

test('send() loses what no packet can carry, and nothing else', async () => {
  const target = await udpSocket();
  const onward = await connectedTo(target.address().port);
  const socket = await bound({ address: '::1' });
  const client = await udpSocket('udp6');
  const arrived = collect(target, 2);
  socket.on('datagrams', () => onward.send(0, received.count));
  const sent = ofSizes(1, 65_527, 2); // an IPv4 packet has room for 20 bytes less
  for (const datagram of sent) client.send(datagram, socket.address().port, '::1');
  expect(await arrived).toEqual([sent[0], sent[2]]);
});

test('a refusal is an error, and comes after what was received before it', async () => {
  const target = await bound();
  const socket = await connectedTo(target.address().port);
  const told = toldUntilError(socket);
  target.on('datagrams', () => {
    target.send(0, 1, received.flow(0));
    target.close();
    socket.sendOne(Buffer.from('refused'));
  });
  socket.sendOne(Buffer.from('echo'));
  expect(await told).toEqual(['echo', 'recvmmsg ECONNREFUSED']);
});

test.each([
  ['send', (socket: BareDatagramSocket) => socket.send(0, 1)],
  ['sendOne', (socket: BareDatagramSocket) => socket.sendOne(Buffer.from('told of it'))],
])('a refusal that %s() is told of is an error too, and comes after what was received', async (_, send) => {
  const target = await bound();
  const socket = await connectedTo(target.address().port);
  const told = toldUntilError(socket);
  target.on('datagrams', () => {
    target.send(0, 1, received.flow(0));
    target.close();
    socket.sendOne(Buffer.from('refused'));
    send(socket);
  });
  socket.sendOne(Buffer.from('echo'));
  expect(await told).toEqual(['echo', 'sendmmsg ECONNREFUSED']);
});

test('who refuses what a socket for many peers has sent is no error of that, costs the others nothing, and leaves no room taken', async () => {
  const socket = await bound();
  socket.on('error', () => expect.unreachable());
  const [well, gone] = [await udpSocket(), createSocket('udp4').bind(0, '127.0.0.1')];
  await once(gone, 'listening');
  const flows: string[] = [];
  socket.on('datagrams', () => {
    if (flows.push(received.flow(0)) < 2) return;
    for (let i = 0; i < 50; i++) {
      const [toWell = '', toGone = ''] = flows;
      socket.send(0, 1, toWell);
      socket.send(0, 1, toGone);
    }
  });
  const { port } = socket.address();
  well.send('x', port, '127.0.0.1');
  await expect.poll(() => flows.length).toBe(1);
  const heard = collect(well, 50);
  await new Promise<void>((resolve) => {
    gone.send('x', port, '127.0.0.1', () => gone.close(resolve));
  });
  expect(await heard).toHaveLength(50);
  await expect.poll(() => roomTaken(socket.fd)).toBe(0);
});

test('a refusal that a send is told of is an error, though nothing is left to be received', async () => {
  const target = await bound();
  const socket = await connectedTo(target.address().port);
  target.close();
  const failed = once(socket, 'error');
  socket.sendOne(Buffer.from('refused'));
  socket.sendOne(Buffer.from('told of it'));
  expect(String(await failed)).toContain('sendmmsg ECONNREFUSED');
});

test.each([
  ['EAGAIN', [3, 1]],
  ['ENOBUFS', [3, 1]],
  ['EPERM', []],
  ['ENETUNREACH', []],
] as const)('what is lost for %s is told: %j', async (code, expected) => {
  // On loopback there is always room, and no firewall.
  const full = new BareDatagrams(failing('sendmmsg', code));
  const { port } = (await bound()).address();
  const onward = await full.connect({ address: '127.0.0.1', port, bufferSize: 1_024 });
  const lost: number[] = [];
  onward.on('lost', (count) => lost.push(count));
  onward.on('error', () => lost.push(-1));
  const from = await full.bind(binding);
  onTestFinished(() => {
    from.close();
    onward.close();
  });
  const sent = Promise.withResolvers<void>();
  from.on('datagrams', () => {
    onward.send(0, full.received.count);
    sent.resolve();
  });
  const client = await udpSocket();
  for (const datagram of ofSizes(10, 10, 10, 11)) client.send(datagram, from.address().port, '127.0.0.1');
  await sent.promise;
  expect(lost).toEqual(expected);
});

/** A connected socket to which its peer has sent more than it has room for, how many it has received, and how many are lost. */
async function overflowing({ size, count, bufferSize }: Record<'size' | 'count' | 'bufferSize', number>) {
  const peer = await udpSocket();
  const end = { address: '127.0.0.1', port: peer.address().port, bufferSize };
  const socket = await datagrams.connect(end);
  onTestFinished(() => socket.close());
  const told = { arrived: 0, lost: 0 };
  socket.on('datagrams', () => (told.arrived += received.count));
  socket.on('lost', (more: number) => (told.lost += more));
  const { port } = socket.address();
  const datagram = Buffer.alloc(size);
  await new Promise<void>((resolve) => {
    for (let i = 1; i <= count; i++)
      peer.send(datagram, port, '127.0.0.1', i === count ? () => resolve() : undefined);
  });
  return { socket, told };
}

test('what finds the receive buffer of a connected socket full is lost', async () => {
  const { told } = await overflowing({ size: 1, count: 20_000, bufferSize: 200_000 });
  await expect.poll(() => told.arrived + told.lost).toBe(20_000);
  expect(told.lost).toBeGreaterThan(0);
});

test('what has been lost is told at the end at the latest', async () => {
  const { socket, told } = await overflowing({ size: 60_000, count: 100, bufferSize: 1_024 });
  await expect.poll(() => told.arrived).toBeGreaterThan(0);
  expect(told.lost).toBe(0);
  socket.close();
  expect(told.arrived + told.lost).toBe(100);
});

test('where many cannot be received at a time, that is said', () => {
  expect(() => new BareDatagrams(failing('recvmmsg', 'ENOSYS'))).toThrow('recvmmsg ENOSYS');
});

test('where the kernel does not cut trains, each datagram goes alone', async () => {
  const alone = new BareDatagrams(failing('setsockopt', 'ENOPROTOOPT'));
  const target = await gathering();
  const [from, onward] = [
    await alone.bind(binding),
    await alone.connect({ address: '127.0.0.1', port: target.port, bufferSize: 1_024 }),
  ];
  onTestFinished(() => {
    from.close();
    onward.close();
  });
  from.on('datagrams', () => onward.send(0, alone.received.count));
  const client = await udpSocket();
  for (const datagram of ofSizes(10, 10, 10)) client.send(datagram, from.address().port, '127.0.0.1');
  expect(await target.sizes).toEqual([10, 10, 10]);
});

test('a socket that is closed sends nothing and is told of nothing', async () => {
  const target = await udpSocket();
  const socket = await bound();
  const onward = await connectedTo(target.address().port);
  onward.close();
  onward.close();
  target.on('message', () => expect.unreachable());
  onward.sendOne(Buffer.from('x'));
  await receive(ofSizes(1), () => onward.send(0, 1));
  const { port } = socket.address();
  socket.close();
  expect((await bound({ port })).address().port).toBe(port);
});

test('bind() says why it cannot, as Node does', async () => {
  const { port } = (await bound()).address();
  await expect(bound({ port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
    message: `bind EADDRINUSE 127.0.0.1:${port}`,
  });
  const before = readdirSync('/proc/self/fd').length;
  await expect(bound({ address: '192.0.2.1' })).rejects.toThrow('bind EADDRNOTAVAIL 192.0.2.1:0');
  expect(readdirSync('/proc/self/fd').length).toBe(before);
});

test('bind() asks for room, of which the kernel gives what it may', async () => {
  const { fd } = await bound({ bufferSize: 100_000 });
  const size = allocate(kernel.calls, Int32Array.BYTES_PER_ELEMENT);
  const length = allocate(kernel.calls, Int32Array.BYTES_PER_ELEMENT);
  const ask = (name: number) => {
    length.bytes.writeInt32LE(size.bytes.length);
    kernel.calls.getsockopt(fd, SOL_SOCKET, name, size.pointer, length.pointer);
    return size.bytes.readInt32LE();
  };
  // Its own overhead comes on top (socket(7)).
  expect([SO_RCVBUF, SO_SNDBUF].map(ask)).toEqual([200_000, 200_000]);
});

test('bind() shares a port with others that do, and IPv6 with IPv4 where it may', async () => {
  const first = await bound({ sharesPort: true });
  const { port } = first.address();
  expect((await bound({ sharesPort: true, port })).address().port).toBe(port);

  const both = await bound({ address: '::' });
  await expect(bound({ address: '0.0.0.0', port: both.address().port })).rejects.toThrow('EADDRINUSE');
  const six = await bound({ address: '::', ipv6Only: true });
  const four = await bound({ address: '0.0.0.0', port: six.address().port });
  expect(four.address()).toEqual({ address: '0.0.0.0', port: six.address().port });
});

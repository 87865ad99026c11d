import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { expect, onTestFinished, test, vi } from 'vitest';

import { connectBare } from '../../src/kernel/bare-connect.ts';
import type { BareSocket } from '../../src/kernel/bare-socket.ts';
import { allocate } from '../../src/kernel/calls.ts';
import { EAGAIN, EBADF, type Kernel, openKernel } from '../../src/kernel/kernel.ts';
import { PeerWatch } from '../../src/kernel/peer-watch.ts';
import { copyBytes } from '../../src/lib/own-bytes.ts';
import { bareServer } from '../helpers/bare-server.ts';
import { closedPort, endOf, readSome, tcpClient, tcpServer, unread } from '../helpers/sockets.ts';

const { signal } = new AbortController();
const kernel = openKernel() as Kernel;

test('this Node can call C', () => {
  expect(kernel).not.toBe(null);
});

/** A bare socket, and the far end of it. */
async function connected(): Promise<{ readonly bare: BareSocket; readonly far: Socket }> {
  const accepted = Promise.withResolvers<Socket>();
  const { port } = await tcpServer((socket) => accepted.resolve(socket));
  const bare = await connectBare(kernel, { address: '127.0.0.1', port }, signal);
  onTestFinished(() => bare.close());
  return { bare, far: await accepted.promise };
}

test('connectBare() reads and writes, and knows both ends', async () => {
  const { bare, far } = await connected();
  expect([bare.localPort, bare.remotePort]).toEqual([far.remotePort, far.localPort]);
  expect(bare.read()).toBe(-EAGAIN);
  expect(bare.write(Buffer.from('ping'))).toBe(4);
  expect((await readSome(far)).toString()).toBe('ping');
  far.write('pong');
  await expect.poll(() => bare.read(3)).toBe(3);
  expect(bare.kernel.buffer.bytes.toString('latin1', 0, 3)).toBe('pon');
  bare.end();
  await once(far, 'end');
});

test('what is put back is there to be taken before what has not been read, at last by a stream', async () => {
  const { bare, far } = await connected();
  far.write('three');
  bare.putBack(copyBytes(Buffer.from('two ')));
  bare.putBack(copyBytes(Buffer.from('one ')));
  expect(bare.unread.toString()).toBe('one two ');
  bare.dropUnread(4);
  expect(bare.unread.toString()).toBe('two ');
  const stream = bare.toStream();
  onTestFinished(() => void stream.destroy());
  expect(String(stream.read())).toBe('two ');
  expect((await readSome(stream)).toString()).toBe('three');
  expect([bare.isOpen, bare.read()]).toEqual([false, -EBADF]);
});

test('a stream that a bare socket has become reads nothing before it is asked to', async () => {
  const { bare, far } = await connected();
  far.write('x');
  await expect.poll(() => bare.hasUnread()).toBe(true);
  const stream = bare.toStream();
  onTestFinished(() => void stream.destroy());
  for (let turn = 0; turn < 3; turn++) await nextTurn();
  expect(stream.bytesRead).toBe(0);
  expect((await readSome(stream)).toString()).toBe('x');
});

test('what is unread takes memory until it is dropped, or the socket is closed', async () => {
  const { bare } = await connected();
  const [first, second] = [Buffer.alloc(40_000, 'a'), Buffer.alloc(40_000, 'b')].map((bytes) =>
    copyBytes(bytes),
  );
  bare.putBack(second as Buffer);
  bare.dropUnread(39_999);
  expect(bare.unread.toString()).toBe('b');
  bare.dropUnread(1);
  expect([second?.length, bare.unread.length]).toEqual([0, 0]);
  bare.putBack(first as Buffer);
  bare.reset();
  expect(first?.length).toBe(0);
});

test('connectBare() says whom it could not reach, as Node does', async () => {
  const port = await closedPort();
  await expect(connectBare(kernel, { address: '127.0.0.1', port }, signal)).rejects.toMatchObject({
    message: `connect ECONNREFUSED 127.0.0.1:${port}`,
    code: 'ECONNREFUSED',
  });
});

test('connectBare() ends when its signal aborts', async () => {
  const { port } = await tcpServer(() => {});
  const leaving = new AbortController();
  const connecting = connectBare(kernel, { address: '127.0.0.1', port }, leaving.signal);
  leaving.abort(new Error('it has left'));
  await expect(connecting).rejects.toThrow('it has left');
});

test('a corked socket holds its words back until it is uncorked', async () => {
  const { bare, far } = await connected();
  // Looked at without a turn, in which the far end would read. The kernel uncorks by itself after 200 ms (tcp(7), TCP_CORK).
  const arrived = () => unread(bare.localPort, bare.remotePort);
  bare.cork();
  bare.write(Buffer.from('one '));
  expect(arrived()).toBe(0);
  bare.write(Buffer.from('two'));
  const uncorkedAt = performance.now();
  bare.uncork();
  while (arrived() < 7 && performance.now() - uncorkedAt < 100);
  expect(arrived()).toBe(7);
  expect((await readSome(far)).toString()).toBe('one two');
});

/** Whether the kernel probes a silent peer (SO_KEEPALIVE of socket(7)). */
function isProbed({ fd }: BareSocket): boolean {
  const [SOL_SOCKET, SO_KEEPALIVE] = [1, 9];
  const value = allocate(kernel.calls, 4);
  const size = allocate(kernel.calls, 4);
  size.bytes.writeInt32LE(4);
  kernel.calls.getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, value.pointer, size.pointer);
  return value.bytes.readInt32LE() === 1;
}

test('a connection is probed when it has lived for a while, or is a stream', async () => {
  const [old, stream] = [await connected(), await connected()];
  expect([isProbed(old.bare), isProbed(stream.bare)]).toEqual([false, false]);
  const given = stream.bare.toStream();
  onTestFinished(() => void given.destroy());
  expect([isProbed(old.bare), isProbed(stream.bare)]).toEqual([false, true]);

  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { fd } = old.bare;
  new PeerWatch(kernel.options).add({
    fd,
    index: -1,
    isProbed: false,
    owes: false,
    owingSince: Infinity,
    onVanished() {},
  });
  vi.advanceTimersByTime(15_000);
  expect(isProbed(old.bare)).toBe(true);
});

test('a socket that is closed touches its number no more', async () => {
  const { bare } = await connected();
  bare.close();
  const other = await connected();
  other.far.write('for the next one');
  expect([bare.read(), bare.write(Buffer.from('x'))]).toEqual([-EBADF, -EBADF]);
  expect(bare.hasUnread()).toBe(false);
  expect(() => bare.watch()).toThrow('epoll_ctl EBADF');
  bare.end();
  await expect.poll(() => other.bare.read()).toBe('for the next one'.length);
});

test('a socket that is reset tells the far end so', async () => {
  const { bare, far } = await connected();
  bare.reset();
  expect(bare.isOpen).toBe(false);
  expect(await endOf(far)).toBe('ECONNRESET');
});

test('a bare server accepts more clients at once than it takes in a turn, and none when it is closed', async () => {
  const { bare, accepted, port } = await bareServer();
  const clients = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'));
  onTestFinished(() => clients.forEach((client) => client.destroy()));
  await expect.poll(() => accepted.length).toBe(200);
  const ports = new Set(accepted.map(({ remotePort }) => remotePort));
  expect(ports).toEqual(new Set(clients.map(({ localPort }) => localPort)));
  bare.close();
  await expect(tcpClient(port)).rejects.toThrow('ECONNREFUSED');
});

test('what is thrown for a client reaches the process, not C', async () => {
  const thrown = Promise.withResolvers<unknown>();
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', thrown.resolve);
  onTestFinished(() => before.forEach((listener) => process.on('uncaughtException', listener)));
  const { port } = await bareServer(() => {
    throw new Error('not this one');
  });
  const client = await tcpClient(port);
  expect(String(await thrown.promise)).toBe('Error: not this one');
  client.destroy();
});

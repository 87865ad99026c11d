import { once } from 'node:events';
import type { Socket } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { type Kernel, openKernel } from '../../../src/kernel/kernel.ts';
import { copyBytes } from '../../../src/lib/own-bytes.ts';
import { connectStream, createConnectBare } from '../../../src/relay/tcp/connect.ts';
import { type TcpSocket, type TcpSocketHandler, NO_HANDLER } from '../../../src/relay/tcp/tcp-socket.ts';
import { toTcpSocket } from '../../../src/relay/tcp/to-tcp-socket.ts';
import { readSome, tcpServer } from '../../helpers/sockets.ts';

const KINDS = [
  { kind: 'bare', connect: createConnectBare(openKernel() as Kernel) },
  { kind: 'stream', connect: connectStream },
];

/** An end of a connection, and the far side of it. */
async function connected(connect: (typeof KINDS)[number]['connect']) {
  const accepted = Promise.withResolvers<Socket>();
  const { port } = await tcpServer((socket) => accepted.resolve(socket));
  const end = toTcpSocket(await connect({ address: '127.0.0.1', port }, new AbortController().signal));
  onTestFinished(() => end.close());
  return { end, far: await accepted.promise };
}

/** Starts an end, and tells what it tells. */
function listen(end: TcpSocket, onTold: Partial<TcpSocketHandler> = {}) {
  const told: string[] = [];
  end.handler = {
    ...NO_HANDLER,
    onBytes: (bytes, length) => void told.push(bytes.toString('latin1', 0, length)),
    onFin: () => void told.push('FIN'),
    ...onTold,
  };
  end.start();
  return told;
}

test.each(KINDS)(
  'all is written that a $kind end is given, and a FIN behind it, before it is started',
  async ({ connect }) => {
    const { end, far } = await connected(connect);
    const bytes = Buffer.alloc(16_000_000, 'more than the kernel takes');
    end.write(bytes, 0, bytes.length);
    expect(end.isFull).toBe(true);
    end.sendFin();
    expect((await readSome(far, bytes.length)).equals(bytes)).toBe(true);
    await once(far.resume(), 'end');
  },
);

test.each(KINDS)(
  'what the first user of a $kind end puts back is told to the next, its FIN too',
  async ({ connect }) => {
    const { end, far } = await connected(connect);
    const ended = Promise.withResolvers<void>();
    const first = listen(end, { onFin: ended.resolve });
    far.end('one two');
    await ended.promise;
    expect(first.join('')).toBe('one two');
    end.putBack(copyBytes(Buffer.from('one two')));
    end.release();
    const next = listen(end);
    await expect.poll(() => next).toEqual(['one two', 'FIN']);
  },
);

test.each(KINDS)('a $kind end that has closed tells so who starts it next', async ({ connect }) => {
  const { end } = await connected(connect);
  listen(end);
  end.release();
  end.reset();
  const closed = Promise.withResolvers<boolean>();
  listen(end, { onClose: closed.resolve });
  expect(await closed.promise).toBe(true);
});

test.each(KINDS)(
  'what comes while nobody has a $kind end is told to who starts it next',
  async ({ connect }) => {
    const { end, far } = await connected(connect);
    const first = listen(end);
    far.write('one');
    await expect.poll(() => first).toEqual(['one']);
    end.release();
    far.write('two');
    await expect.poll(() => far.writableLength).toBe(0);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const next = listen(end);
    await expect.poll(() => next).toEqual(['two']);
  },
);

test.each(KINDS)(
  'a $kind end passes on what was put back, to another that takes it when it can',
  async ({ connect }) => {
    const [from, to] = [await connected(connect), await connected(connect)];
    const told = listen(from.end, {
      onBytes: (bytes, length) => from.end.putBack(copyBytes(bytes, 0, length)),
    });
    from.far.write('onetwo');
    await expect.poll(() => from.end.unreadLength).toBe(6);
    from.end.release();
    const full = Buffer.alloc(16_000_000);
    to.end.write(full, 0, full.length);
    from.end.passOn(3, to.end);
    expect(from.end.unreadLength).toBe(3);
    expect((await readSome(to.far, full.length + 3)).subarray(-3).toString()).toBe('one');
    from.end.drop(3);
    expect([from.end.unreadLength, told]).toEqual([0, []]);
  },
);

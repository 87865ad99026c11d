import { expect, test } from 'vitest';

import { type Kernel, openKernel } from '../../../src/kernel/kernel.ts';
import { connectStream, createConnectBare } from '../../../src/relay/tcp/connect.ts';
import { muteServer } from '../../helpers/mute-server.ts';
import { closedPort, endOf, tcpServer } from '../../helpers/sockets.ts';

const KINDS = [
  { kind: 'bare', connect: createConnectBare(openKernel() as Kernel) },
  { kind: 'stream', connect: connectStream },
];

test.each(KINDS)(
  'a dial that is given up is a reset to who has accepted it, never an end ($kind)',
  async ({ connect }) => {
    const ended = Promise.withResolvers<string | null>();
    const { port } = await tcpServer((socket) => void endOf(socket).then(ended.resolve));
    const over = new AbortController();
    const dialled = connect({ address: '127.0.0.1', port }, over.signal);
    // On loopback the kernel is connected as soon as it is asked to; Node asks it in the next tick.
    process.nextTick(() => over.abort(new Error('given up')));
    await expect(dialled).rejects.toThrow('given up');
    expect(await ended.promise).toBe('ECONNRESET');
  },
);

test.each(KINDS)('a dial is given up before it has begun ($kind)', async ({ connect }) => {
  const over = new AbortController();
  const dialled = connect({ address: '127.0.0.1', port: await closedPort() }, over.signal);
  over.abort(new Error('given up'));
  await expect(dialled).rejects.toThrow('given up');
});

test.each(KINDS)('a dial that nobody answers is given up at once ($kind)', async ({ connect }) => {
  const port = await closedPort();
  await muteServer('127.0.0.2', port);
  const over = new AbortController();
  const dialled = connect({ address: '127.0.0.2', port }, over.signal);
  setImmediate(() => over.abort(new Error('given up')));
  await expect(dialled).rejects.toThrow('given up');
});

import { once } from 'node:events';
import { connect } from 'node:net';

import { expect, onTestFinished, test, vi } from 'vitest';

import { DialOrder } from '../../../src/relay/dial-order.ts';
import type { Target } from '../../../src/relay/target.ts';
import { type Connect, connectStream } from '../../../src/relay/tcp/connect.ts';
import { dialTcp } from '../../../src/relay/tcp/dial.ts';
import { muteServer } from '../../helpers/mute-server.ts';
import { localTarget } from '../../helpers/relay.ts';
import { closedPort, tcpServer } from '../../helpers/sockets.ts';

const DEAD = { address: '127.0.0.2', family: 4 };
const LIVE = { address: '127.0.0.1', family: 4 };

async function dial(
  target: Parameters<typeof dialTcp>[0],
  { order = new DialOrder(), timeout = 5_000 } = {},
) {
  const { socket, address } = await dialTcp(target, {
    order,
    connect: connectStream,
    timeout,
    over: new AbortController(),
  });
  onTestFinished(() => {
    socket.close();
  });
  expect(socket.remoteAddress).toBe(address.address);
  return socket.remoteAddress;
}

test('dialTcp() gives a mute address a head start only, and dials it last from then on', async () => {
  const { port } = await tcpServer(() => {});
  await muteServer(DEAD.address, port);
  const order = new DialOrder();
  const both = localTarget(port, [DEAD.address, LIVE.address]);
  // Until its first turn comes, which is as good as sure in so many dials.
  for (let i = 0; i < 30; i++) expect(await dial(both, { order })).toBe(LIVE.address);
  for (let i = 0; i < 20; i++) expect(order.arrange([DEAD, LIVE])).toEqual([LIVE, DEAD]);
});

test('dialTcp() gives an address 250 ms over the next, and 1 s over the name, which it asks for once a second from then on', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], fakeNodeBuiltins: true });
  onTestFinished(() => void vi.useRealTimers());
  const counts = { dialled: 0, asked: 0 };
  const target = localTarget(1, ['127.0.0.1', '127.0.0.2', '127.0.0.3']);
  const over = new AbortController();
  const dialling = dialTcp(
    {
      ...target,
      resolve: (signal) => {
        counts.asked++;
        return target.resolve(signal);
      },
    },
    {
      order: new DialOrder(),
      connect: () => {
        counts.dialled++;
        return Promise.withResolvers<never>().promise;
      },
      timeout: 60_000,
      over,
    },
  );
  const after = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms);
    return { ...counts };
  };
  expect(await after(249)).toEqual({ dialled: 1, asked: 1 });
  expect(await after(1)).toEqual({ dialled: 2, asked: 1 });
  expect(await after(249)).toEqual({ dialled: 2, asked: 1 });
  expect(await after(1)).toEqual({ dialled: 3, asked: 1 });
  for (const asked of [1, 2, 3]) {
    expect(await after(999)).toEqual({ dialled: 3, asked });
    expect(await after(1)).toEqual({ dialled: 3, asked: asked + 1 });
  }
  over.abort(new Error('that will do'));
  await expect(dialling).rejects.toThrow('that will do');
});

test('dialTcp() says how long it waited for a mute address, and dials it last from then on', async () => {
  const port = await closedPort();
  await muteServer(DEAD.address, port);
  const order = new DialOrder();
  await expect(dial(localTarget(port, [DEAD.address]), { order, timeout: 300 })).rejects.toThrow(
    `failed to connect to target.test:${port}: no answer within 300 ms`,
  );
  for (let i = 0; i < 20; i++) expect(order.arrange([DEAD, LIVE])).toEqual([LIVE, DEAD]);
});

test('dialTcp() ends the attempts that have lost, and aborts nothing where there are none', async () => {
  const { port } = await tcpServer(() => {});
  await muteServer(DEAD.address, port);
  const order = { arrange: () => [DEAD, LIVE], failed: () => {} };
  const over = new AbortController();
  const options = { order, connect: connectStream, timeout: 5_000, over };
  const { socket, address } = await dialTcp(localTarget(port), options);
  socket.close();
  expect([address, over.signal.aborted]).toEqual([LIVE, true]);
  const alone = new AbortController();
  const only = { ...options, order: new DialOrder(), over: alone };
  (await dialTcp(localTarget(port), only)).socket.close();
  expect(alone.signal.aborted).toBe(false);
});

test('dialTcp() falls back from IPv6 to IPv4', async () => {
  const { port } = await tcpServer(() => {});
  expect(await dial(localTarget(port, ['::1', LIVE.address]))).toBe(LIVE.address);
});

test('dialTcp() asks for the name again when all addresses refuse, and dials what is new', async () => {
  const { port } = await tcpServer(() => {});
  const asked: (boolean | undefined)[] = [];
  const target = {
    ...localTarget(port),
    resolve: async (_signal: AbortSignal, { fresh }: { readonly fresh?: boolean } = {}) => {
      asked.push(fresh);
      return fresh === true ? [DEAD, LIVE] : [DEAD];
    },
  };
  expect(await dial(target)).toBe(LIVE.address);
  expect(asked).toEqual([undefined, true]);
});

test('dialTcp() asks for the name again while an address is silent, and dials what is new', async () => {
  const { port } = await tcpServer(() => {});
  await muteServer(DEAD.address, port);
  const target = {
    ...localTarget(port),
    resolve: async (_signal: AbortSignal, { fresh }: { readonly fresh?: boolean } = {}) =>
      fresh === true ? [LIVE] : [DEAD],
  };
  expect(await dial(target)).toBe(LIVE.address);
});

test('dialTcp() asks for the name again and again while an address is silent, whatever comes of that', async () => {
  const { port } = await tcpServer(() => {});
  await muteServer(DEAD.address, port);
  let asked = 0;
  const target: Target = {
    ...localTarget(port),
    async resolve() {
      asked++;
      if (asked === 3) throw new Error('DNS is down');
      return asked < 4 ? [DEAD] : [LIVE];
    },
  };
  expect(await dial(target, { timeout: 20_000 })).toBe(LIVE.address);
  expect(asked).toBe(4);
});

test('dialTcp() gives up when the answer is still the same', async () => {
  const port = await closedPort();
  await expect(dial(localTarget(port))).rejects.toThrow(`connect ECONNREFUSED 127.0.0.1:${port}`);
});

test('dialTcp() stops when its signal aborts, and blames no address', async () => {
  const port = await closedPort();
  await muteServer(DEAD.address, port);
  const order = new DialOrder();
  const over = new AbortController();
  setTimeout(() => over.abort(new Error('it has left')), 50);
  await expect(
    dialTcp(localTarget(port, [DEAD.address]), {
      order,
      connect: connectStream,
      timeout: 60_000,
      over,
    }),
  ).rejects.toThrow('failed to connect');
  const firsts = new Set(Array.from({ length: 40 }, () => order.arrange([DEAD, LIVE])[0]));
  expect(firsts.size).toBe(2);
});

test('dialTcp() refuses a connection to itself, which a port that nobody listens on may be', async () => {
  const port = await closedPort();
  const fromItself: Connect = async ({ address }) => {
    const socket = connect({ host: address, port, localAddress: address, localPort: port });
    await once(socket, 'connect');
    return socket;
  };
  const dialling = dialTcp(localTarget(port), {
    order: new DialOrder(),
    connect: fromItself,
    timeout: 5_000,
    over: new AbortController(),
  });
  await expect(dialling).rejects.toThrow(`nobody listens on 127.0.0.1:${port}: it connected to itself`);
});

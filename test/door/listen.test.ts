import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';

import { parseConfig, type PortConfig } from '../../src/config/config.ts';
import { forRelays, listenHere, type RelayParts } from '../../src/door/listen.ts';
import { BlackoutFlag } from '../../src/relay/blackout-flag.ts';
import { testLog } from '../helpers/relay.ts';
import { allUnread, tcpClient, udpSocket } from '../helpers/sockets.ts';
import { until } from '../helpers/until.ts';

const MAX_HELD = 4 * 1024 * 1024;

beforeEach(() => {
  // However long it takes to connect so many, nobody has to say sooner whom it wants.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
});

/** The relay of the only port that this environment speaks of, on a free one. */
async function listen(environment: Readonly<Record<string, string>>, parts: Partial<RelayParts> = {}) {
  const config = forRelays(parseConfig({ TARGET: 'target.test', MAX_CONNECTIONS: '0', ...environment }));
  const open = listenHere(config, {
    lookup: async () => [{ address: '127.0.0.1', family: 4 }],
    log: testLog(),
    blackoutFlag: new BlackoutFlag(),
    nameAddresses: null,
    onTraffic: () => {},
    onName: () => {},
    ...parts,
  });
  const led = await open({ ...(config.listeners[0] as PortConfig), port: 0 });
  onTestFinished(() => led.end());
  return led.relay;
}

/** A relay whose clients have to say first whom they want. */
const nameless = () => listen({ PORT: '443', NAME_CHECK: 'enforce' });

test('1,000 clients may not have said yet whom they want; of more, one is sent away', async () => {
  const relay = await nameless();
  const clients = await Promise.all(Array.from({ length: 1_000 }, () => tcpClient(relay.port)));
  await until(() => relay.counts().opened === clients.length);
  expect(relay.counts().refused).toEqual({});
  await tcpClient(relay.port);
  await until(() => relay.counts().opened > clients.length);
  expect(relay.counts().refused).toEqual({ 'too many clients': 1 });
});

test('what they have said may be 4 MiB in all; beyond it, one is sent away', async () => {
  const relay = await nameless();
  const PART = 4_096;
  const COPIES = 2;
  const part = Buffer.concat([Buffer.of(22, 3, 1, 64, 0, 1, 0, 63, 252), Buffer.alloc(PART - 9)]);
  const say = async (bytes: Buffer) => {
    const client = await tcpClient(relay.port);
    await new Promise((resolve) => client.write(bytes, resolve));
  };
  await Promise.all(Array.from({ length: MAX_HELD / COPIES / PART }, () => say(part)));
  await until(() => allUnread(relay.port) === 0);
  expect(relay.counts().refused).toEqual({});
  await say(part.subarray(0, 1));
  await until(() => relay.counts().refused['too many clients'] !== undefined);
  expect(relay.counts().refused).toEqual({ 'too many clients': 1 });
});

/** A UDP relay whose name is never resolved. */
const unresolved = () =>
  listen({ PORT: '53', MODE: 'udp' }, { lookup: () => Promise.withResolvers<never>().promise });

/** Sends a relay so many datagrams, a few at a time, each as a client of its own that leaves at once. Resolves when it has them. */
async function sendEach(
  relay: Awaited<ReturnType<typeof listen>>,
  { datagram, count, atOnce = 1 }: { datagram: Buffer; count: number; atOnce?: number },
) {
  const all = relay.counts().opened + count;
  const sendAs = async (client: number) => {
    const socket = createSocket('udp4');
    socket.bind(0, `127.1.${client >> 8}.${client & 255}`);
    await once(socket, 'listening');
    await new Promise((resolve) => socket.send(datagram, relay.port, '127.0.0.1', resolve));
    socket.close();
  };
  for (let own = relay.counts().opened; own < all; own += atOnce) {
    const next = Math.min(own + atOnce, all);
    await Promise.all(Array.from({ length: next - own }, (_, i) => sendAs(own + i)));
    await until(() => relay.counts().opened === next);
  }
}

test('of 4,096 UDP sessions datagrams may wait for the name; of more, one loses them', async () => {
  const relay = await unresolved();
  await sendEach(relay, { datagram: Buffer.of(1), count: 4_096, atOnce: 64 });
  expect(relay.counts().lost).toBe(0);
  await sendEach(relay, { datagram: Buffer.of(1), count: 1 });
  expect(relay.counts().lost).toBe(1);
});

test('datagrams that wait for the name may take 4 MiB in all; beyond it, one is lost', async () => {
  const relay = await unresolved();
  const SIZE = 64 * 1024;
  const OVERHEAD = 256;
  await sendEach(relay, { datagram: Buffer.alloc(SIZE - OVERHEAD), count: MAX_HELD / SIZE });
  expect(relay.counts().lost).toBe(0);
  await sendEach(relay, { datagram: Buffer.of(1), count: 1 });
  expect(relay.counts().lost).toBe(1);
});

test('a UDP client that goes on sending is unanswered after 5 s, and traffic is told of every 10 s', async () => {
  const target = await udpSocket();
  const onTraffic = vi.fn<() => void>();
  const relay = await listen({ PORT: `53:${target.address().port}`, MODE: 'udp' }, { onTraffic });
  const client = await udpSocket();
  const after = async (ms: number) => {
    vi.advanceTimersByTime(ms);
    const arrived = once(target, 'message');
    client.send('hello?', relay.port, '127.0.0.1');
    await arrived;
    return { unanswered: relay.counts().unanswered, told: onTraffic.mock.calls.length };
  };
  expect(await after(0)).toEqual({ unanswered: 0, told: 1 });
  expect(await after(4_999)).toEqual({ unanswered: 0, told: 1 });
  expect(await after(1)).toEqual({ unanswered: 1, told: 1 });
  expect(await after(4_999)).toEqual({ unanswered: 1, told: 1 });
  expect(await after(1)).toEqual({ unanswered: 1, told: 2 });
});

import { once } from 'node:events';
import { connect } from 'node:net';

import { afterEach, expect, test, vi } from 'vitest';

import { Counters } from '../../src/relay/counters.ts';
import { createSourceFilter } from '../../src/relay/source-filter.ts';
import { localTarget, tcpRelay, testLog, udpRelay } from '../helpers/relay.ts';
import { errorOf, readAll, tcpClient, tcpServer, udpSocket } from '../helpers/sockets.ts';

const PROBE = '127.83.80.1';
const networks = [
  ['10.0.0.0', 8],
  ['192.0.2.7', 32],
  ['2001:db8::', 32],
  ['fe80::', 10],
] as const;

function filterOf(allowed: Parameters<typeof createSourceFilter>[0] = networks, logInterval = 0) {
  const log = testLog();
  const counters = new Counters();
  return { log, admits: createSourceFilter(allowed, { probeSource: PROBE, counters, log, logInterval }) };
}

afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ['10.255.255.255', true],
  ['::ffff:10.1.2.3', true],
  ['192.0.2.7', true],
  ['2001:db8:ffff::1', true],
  ['fe80::1%eth0', true],
  [PROBE, true],
  [`::ffff:${PROBE}`, true],
  ['11.0.0.0', false],
  ['::ffff:11.0.0.0', false],
  ['192.0.2.8', false],
  ['2001:db9::1', false],
  ['127.0.0.1', false],
  ['::1', false],
  [undefined, false],
])('a source filter for two families lets %s in: %s', (address, isIn) => {
  expect(filterOf().admits(address, 4)).toBe(isIn);
});

test.each([
  ['0.0.0.0', '192.0.2.1', '2001:db8::1'],
  ['::', '2001:db8::1', '192.0.2.1'],
  ['::', '2001:db8::1', '::ffff:192.0.2.1'],
])('a source filter for all of one family, %s/0, lets in %s and not %s', (all, one, other) => {
  const { admits } = filterOf([[all, 0]]);
  expect([admits(one, 4), admits(other, 4)]).toEqual([true, false]);
});

test('a source filter logs whom it refuses, and nobody else', () => {
  const { admits, log } = filterOf();
  admits('10.0.0.1', 4);
  admits('::ffff:198.51.100.9', 4_321);
  admits('2001:db9::1', 4_321);
  const refused = { name: null, rule: 'source not allowed', decision: 'refused' };
  expect(log.lines).toEqual([
    {
      level: 'warn',
      message: 'refused',
      fields: { ...refused, client: '198.51.100.9:4321', reason: '198.51.100.9 is not in ALLOW_FROM' },
    },
    {
      level: 'warn',
      message: 'refused',
      fields: { ...refused, client: '[2001:db9::1]:4321', reason: '2001:db9::1 is not in ALLOW_FROM' },
    },
  ]);
});

test('a source filter with an interval logs each source once in it, and only so many', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { admits, log } = filterOf(networks, 1_000);
  for (let port = 1; port <= 5; port++) admits('192.0.2.1', port);
  admits('192.0.2.2', 1);
  expect(log.lines.map(({ fields }) => fields['client'])).toEqual(['192.0.2.1:1', '192.0.2.2:1']);
  vi.advanceTimersByTime(1_000);
  admits('192.0.2.1', 6);
  expect(log.lines).toHaveLength(3);
  for (let host = 0; host < 5_000; host++) admits(`198.51.${host >> 8}.${host & 255}`, 1);
  expect(log.lines).toHaveLength(2 + 100);
});

test('listenTcp() resets a refused source at once, undialled and without a slot', async () => {
  let dials = 0;
  const log = testLog();
  const local = localTarget((await tcpServer((socket) => socket.end('found'))).port);
  const resolve = (signal: AbortSignal) => {
    dials++;
    return local.resolve(signal);
  };
  const relay = await tcpRelay(
    { ...local, resolve },
    { allowFrom: [['127.0.0.2', 32]], maxConnections: 1, log },
  );
  const refused = [
    { host: '127.0.0.1', localAddress: '127.0.0.3' },
    { host: '127.0.0.1', localAddress: '127.0.0.1' },
    { host: '::1' },
  ];
  for (const from of refused)
    expect(await errorOf(connect({ port: relay.port, ...from }))).toBe('ECONNRESET');
  expect([dials, relay.live, relay.waiting, relay.lastFailure]).toEqual([0, 0, 0, null]);
  expect(log.lines.map(({ fields }) => fields['rule'])).toEqual(Array(3).fill('source not allowed'));

  const allowed = await tcpClient(relay.port, { localAddress: '127.0.0.2' });
  expect((await readAll(allowed)).toString()).toBe('found');
});

test.each([true, false])(
  'listenUdp() drops the datagrams of a refused source, answers: %s',
  async (answers) => {
    const target = await udpSocket();
    const relay = await udpRelay(localTarget(target.address().port), {
      answers,
      allowFrom: [['127.0.0.2', 32]],
      maxConnections: 1,
    });
    const [allowed, refused] = [await udpSocket('udp4', '127.0.0.2'), await udpSocket('udp4', '127.0.0.3')];
    const arrived: string[] = [];
    target.on('message', (datagram) => arrived.push(String(datagram)));
    // The kernel keeps the order of what comes to one socket.
    for (const word of ['one', 'two']) {
      refused.send('let me in', relay.port, '127.0.0.1');
      const next = once(target, 'message');
      allowed.send(word, relay.port, '127.0.0.1');
      await next;
    }
    expect([arrived, relay.live]).toEqual([['one', 'two'], 1]);
  },
);

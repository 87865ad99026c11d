import { expect, onTestFinished, test, vi } from 'vitest';

import type { Lines } from '../../src/log/lines.ts';
import { NameCounters } from '../../src/relay/name-counters.ts';
import type { News } from '../../src/workers/calls.ts';
import { Outbox } from '../../src/workers/outbox.ts';

/** An outbox, and a main thread that takes the news one by one. */
function office() {
  const told: News[] = [];
  let untaken = Promise.withResolvers<void>();
  const outbox = new Outbox((news) => {
    told.push(news);
    return untaken.promise;
  });
  return {
    outbox,
    told,
    lines: () => told.flatMap(({ lines }) => lines),
    /** Takes what was told, and waits for more. */
    next: async (): Promise<News | undefined> => {
      const before = told.length;
      untaken.resolve();
      untaken = Promise.withResolvers();
      await expect.poll(() => told.length).toBe(before + 1);
      return told.at(-1);
    },
  };
}

const refusal = (port: number): Lines['refused'] => ({
  port: 443,
  protocol: 'tcp',
  client: `10.0.0.2:${port}`,
  name: null,
  rule: 'blackout',
  reason: 'a blackout is on',
  decision: 'refused',
});
const session: Lines['session ended'] = {
  port: 53,
  protocol: 'udp',
  client: '10.0.0.2:5',
  target: 'a.test:53',
  address: '192.0.2.1:53',
  sent: 1,
  received: 1,
  ms: 3,
  ending: 'idle',
};
const NO_C = 'C cannot be called: datagrams are relayed one by one, which is slower';

test('Outbox tells the first at once, and puts together what comes until that is taken', async () => {
  const { outbox, told, next } = office();
  outbox.log('warn', refusal(1), 'refused');
  expect(told).toEqual([
    {
      lines: [{ level: 'warn', fields: refusal(1), message: 'refused', times: 1 }],
      dialled: new Map(),
      crowded: new Set(),
      names: [],
      hasTraffic: false,
    },
  ]);
  for (let port = 2; port <= 100_000; port++) outbox.log('warn', refusal(port), 'refused');
  for (let i = 0; i < 2; i++) outbox.log('info', session, 'session ended');
  outbox.log('warn', { err: new Error('ENOSYS') }, NO_C);
  for (const failure of ['ECONNREFUSED', null, 'EHOSTUNREACH']) outbox.dialled(0, failure);
  outbox.dialled(1, null);
  for (let i = 0; i < 10_000; i++) outbox.crowded(1);
  const counted = { of: null, standing: 'listed', cells: new NameCounters().cells } as const;
  outbox.counted(counted);
  outbox.traffic();
  expect(told).toHaveLength(1);
  const ended = { level: 'info', fields: session, message: 'session ended', times: 1 };
  expect(await next()).toEqual({
    lines: [
      { level: 'warn', fields: refusal(2), message: 'refused', times: 99_999 },
      ended,
      ended,
      { level: 'warn', fields: { err: 'ENOSYS' }, message: NO_C, times: 1 },
    ],
    dialled: new Map([
      [0, 'EHOSTUNREACH'],
      [1, null],
    ]),
    crowded: new Set([1]),
    names: [counted],
    hasTraffic: true,
  });
});

test('Outbox rests for 20 ms, though what it tells is taken at once', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], fakeNodeBuiltins: true });
  onTestFinished(() => void vi.useRealTimers());
  const told: News[] = [];
  const outbox = new Outbox(async (news) => told.push(news));
  outbox.dialled(0, null);
  outbox.dialled(1, null);
  await vi.advanceTimersByTimeAsync(19);
  expect(told).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(told.map(({ dialled }) => [...dialled.keys()])).toEqual([[0], [1]]);
});

test('Outbox bounds the lines that wait, and says how many it has dropped', async () => {
  const { outbox, lines, next } = office();
  for (let i = 0; i < 10_000; i++)
    outbox.log('info', { ...session, client: `10.0.0.2:${i}` }, 'session ended');
  await next();
  expect(lines()).toHaveLength(2_002);
  expect(lines().at(-1)).toEqual({
    level: 'warn',
    fields: { lines: 7_999 },
    message: '7999 lines dropped: the main thread was too busy to take them',
    times: 1,
  });
});

test('flush() tells what waits before what was told is taken', () => {
  const { outbox, lines } = office();
  for (const ms of [1, 2, 3]) outbox.log('info', { ...session, ms }, 'session ended');
  outbox.flush();
  expect(lines().map(({ fields }) => fields)).toMatchObject([{ ms: 1 }, { ms: 2 }, { ms: 3 }]);
});

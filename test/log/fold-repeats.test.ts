import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { foldRepeats } from '../../src/log/fold-repeats.ts';
import type { Lines } from '../../src/log/lines.ts';
import type { Log } from '../../src/log/log.ts';
import { testLog } from '../helpers/relay.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function folding() {
  const log = testLog();
  const folded = foldRepeats(log);
  folded.list(['a.test']);
  return {
    log: folded,
    said: () => log.lines.map(({ message }) => message),
    lines: log.lines,
  };
}

const refusal: Lines['refused'] = {
  port: 443,
  protocol: 'tcp',
  client: '10.0.0.2:1024',
  name: 'b.test',
  rule: 'not in TARGET',
  reason: 'no',
  decision: 'refused',
};
const ended: Lines['connection ended'] = {
  port: 443,
  protocol: 'tcp',
  client: '10.0.0.2:1024',
  target: 'a.test:443',
  address: '192.0.2.1:443',
  sent: 0,
  received: 0,
  ms: 3,
  ending: 'finished',
};
const resolved = { name: 'a.test', addresses: ['192.0.2.1'], before: [] };
const unresolved = (name: string) => ({ name, err: 'NXDOMAIN', kept: [] });
const DROPPED = 'answers out of TARGET_SCOPE dropped';
const UNRESOLVED = 'the name cannot be resolved; still trying';
const from = (port: number) => ({ ...refusal, client: `10.0.0.2:${port}` });

test('foldRepeats() says the first at once, and after 10 s how many more came', () => {
  const { log, said, lines } = folding();
  for (let port = 1; port <= 413; port++) log.warn(from(port), 'refused');
  expect(said()).toEqual(['refused']);
  expect(lines[0]?.fields).toEqual(from(1));
  vi.advanceTimersByTime(9_999);
  log.warn(from(414), 'refused');
  expect(said()).toEqual(['refused']);
  vi.advanceTimersByTime(1);
  expect(said()).toEqual(['refused', 'refused 413 more in 10 s']);
  expect(lines[1]).toMatchObject({ level: 'warn', fields: { ...refusal, client: '10.0.0.2', more: 413 } });
});

test('foldRepeats() takes what has happened several times for as many', () => {
  const { log, said, lines } = folding();
  log.warn(from(1), 'refused', 3);
  log.warn(from(2), 'refused', 40);
  log.flush();
  expect(said()).toEqual(['refused', 'refused 42 more in 0 s']);
  expect(lines[1]?.fields).toMatchObject({ more: 42 });
});

test('foldRepeats() keeps the same refusal on two ports apart', () => {
  const { log, said } = folding();
  for (const port of [80, 443]) log.warn({ ...refusal, port }, 'refused');
  expect(said()).toEqual(['refused', 'refused']);
});

test('foldRepeats() has no timer while there is nothing to say', () => {
  const { log, said } = folding();
  log.warn(from(1), 'refused');
  expect(vi.getTimerCount()).toBe(0);
  log.warn(from(2), 'refused');
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(10_000);
  expect(vi.getTimerCount()).toBe(0);
  expect(said()).toHaveLength(2);
});

test('foldRepeats() begins anew after 10 s', () => {
  const { log, said } = folding();
  log.warn(from(1), 'refused');
  vi.advanceTimersByTime(10_000);
  log.warn(from(2), 'refused');
  expect(said()).toEqual(['refused', 'refused']);
});

test.each([
  ['client', { client: '10.0.0.3:1024' }],
  ['client of IPv6', { client: '[::2]:1024' }],
  ['name', { name: 'c.test' }],
  ['rule', { rule: 'no name' }],
  ['reason', { reason: 'never' }],
  ['decision', { decision: 'would refuse' as const }],
  ['target', { target: 'a.test:443' }],
  ['error', { err: new Error('refused') }],
])('foldRepeats() keeps apart what differs in its %s', (_what, other) => {
  const { log, said } = folding();
  log.warn(refusal, 'refused');
  log.warn({ ...refusal, ...other }, 'refused');
  expect(said()).toEqual(['refused', 'refused']);
});

test('foldRepeats() takes errors for the same that say the same, of a worker or not', () => {
  const { log, said, lines } = folding();
  const failure = { ...ended, client: '[::1]:5', target: 'a.test:443', address: null };
  log.warn({ ...failure, err: new Error('ECONNREFUSED') }, 'target unreachable');
  log.warn({ ...failure, err: new Error('ECONNREFUSED'), ms: 4, client: '[::1]:6' }, 'target unreachable');
  log.warn({ ...failure, err: 'ECONNREFUSED', sent: 7 }, 'target unreachable');
  log.flush();
  expect(said()).toEqual(['target unreachable', 'target unreachable 2 more in 0 s']);
  expect(lines[1]?.fields).toEqual({
    port: 443,
    protocol: 'tcp',
    client: '[::1]',
    target: 'a.test:443',
    err: 'ECONNREFUSED',
    more: 2,
  });
});

test('foldRepeats() folds the same warnings about a name, and keeps apart which addresses were dropped', () => {
  const { log, said, lines } = folding();
  for (const dropped of ['127.0.0.1', '127.0.0.2', '127.0.0.1', '127.0.0.2'])
    log.warn({ name: 'a.test', dropped, scope: 'private' }, DROPPED);
  log.flush();
  expect(said()).toEqual([DROPPED, DROPPED, `${DROPPED} 1 more in 0 s`, `${DROPPED} 1 more in 0 s`]);
  expect(lines[2]?.fields).toEqual({ name: 'a.test', dropped: '127.0.0.1', more: 1 });
});

test('foldRepeats() folds no repeats that are no warnings, or that are about a port alone', () => {
  const { log, said } = folding();
  for (let i = 0; i < 2; i++) {
    log.info(ended, 'connection ended');
    log.debug(ended, 'connection ended');
    log.info(resolved, 'name resolved');
    log.warn({ port: 80, protocol: 'tcp', live: i, waiting: 1 }, 'all slots are taken: clients wait');
  }
  expect(said()).toHaveLength(8);
  expect(vi.getTimerCount()).toBe(0);
});

test('foldRepeats() passes on all that nobody else has caused', () => {
  const { log, said } = folding();
  for (let i = 0; i < 10_000; i++) log.warn({ by: 'command', since: '', until: null }, 'blackout on');
  expect(said()).toHaveLength(10_000);
  expect(log.dropped).toBe(0);
});

const named = (client: string, name: string, rule = 'not in TARGET') => ({ ...refusal, client, name, rule });

test('a client beyond its budget is counted by rule, and another one is still named in full', () => {
  const { log, said, lines } = folding();
  for (let i = 0; i < 1_000; i++) {
    log.warn(named('10.0.0.2:5', `n${i}.test`), 'refused');
    log.warn(named('10.0.0.2:5', `n${i}.test`, 'silent'), 'refused');
  }
  expect(said()).toEqual(Array(20).fill('refused'));
  const other = named('10.0.0.3:7', 'other.test');
  log.warn(other, 'refused');
  expect(lines.at(-1)?.fields).toEqual(other);
  expect(log.dropped).toBe(1_980);
  expect(vi.getTimerCount()).toBe(2);
  vi.advanceTimersByTime(10_000);
  expect(lines.slice(21)).toMatchObject(
    ['not in TARGET', 'silent'].map((rule) => ({
      level: 'warn',
      message: 'refused 990 more in 10 s',
      fields: { client: '10.0.0.2', rule, decision: 'refused', more: 990 },
    })),
  );
  expect(lines.at(-1)?.fields).not.toHaveProperty('name');
});

test('a client beyond its budget has a line every 5 s, and all of it again after a while', () => {
  const { log, lines } = folding();
  const full = () => lines.filter(({ message }) => message === 'refused').length;
  let count = 0;
  for (let second = 0; second < 60; second++) {
    for (let i = 0; i < 50; i++) log.warn(named('10.0.0.2:5', `n${count++}.test`), 'refused');
    vi.advanceTimersByTime(1_000);
  }
  expect(full()).toBe(20 + 11);
  expect(lines).toHaveLength(20 + 11 + 6);
  vi.advanceTimersByTime(100_000);
  for (let i = 0; i < 50; i++) log.warn(named('10.0.0.2:5', `n${count++}.test`), 'refused');
  expect(full()).toBe(20 + 11 + 20);
});

test('many sources together have a budget too, whatever they do: those beyond it are counted by rule as others', () => {
  const { log, said, lines } = folding();
  for (let i = 0; i < 5_000; i++) log.warn(named(`10.1.${i >> 8}.${i & 255}:5`, `n${i}.test`), 'refused');
  expect(said()).toHaveLength(100);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(10_000);
  expect(said()).toHaveLength(101);
  expect(lines.at(-1)).toMatchObject({
    message: 'refused 4900 more in 10 s',
    fields: { client: 'others', rule: 'not in TARGET', more: 4_900 },
  });
});

test('of many ports together, those beyond the budget are counted without a port, which is a number on every line', () => {
  const { log, lines } = folding();
  const full = (port: number): Lines['all slots are taken: clients wait'] => ({
    port,
    protocol: 'tcp',
    live: 1,
    waiting: 1,
  });
  for (let port = 1; port <= 200; port++) log.warn(full(port), 'all slots are taken: clients wait');
  vi.advanceTimersByTime(10_000);
  expect(lines.slice(0, 100).every(({ fields }) => typeof fields.port === 'number')).toBe(true);
  expect(lines.slice(100)).toEqual([
    { level: 'warn', message: 'all slots are taken: clients wait 100 more in 10 s', fields: { more: 100 } },
  ]);
});

test.each([
  [
    'the ends of connections',
    'info',
    (log: Log, i: number) =>
      log.info({ ...ended, client: `10.1.${i >> 8}.${i & 255}:5` }, 'connection ended'),
    2_000,
  ],
  [
    'names below wildcards, which are one source',
    'warn',
    (log: Log, i: number) => log.warn(unresolved(`n${i}.test`), UNRESOLVED),
    20,
  ],
  [
    'what nameservers answer for a name',
    'info',
    (log: Log, i: number) => log.info({ ...resolved, addresses: [`${i}`] }, 'name resolved'),
    20,
  ],
  [
    'ports',
    'warn',
    (log: Log, i: number) =>
      log.warn({ port: i, protocol: 'tcp', live: 1, waiting: 1 }, 'all slots are taken: clients wait'),
    100,
  ],
] as const)('foldRepeats() has a budget for %s', (_what, level, write, granted) => {
  const { log, said, lines } = folding();
  for (let i = 0; i < 5_000; i++) write(log, i);
  expect(said()).toHaveLength(granted);
  vi.advanceTimersByTime(10_000);
  expect(lines.slice(granted)).toMatchObject([{ level, fields: { more: 5_000 - granted } }]);
  expect(log.dropped).toBe(5_000 - granted);
});

test('names below wildcards do not hide what is logged of a listed one', () => {
  const { log, lines } = folding();
  for (let i = 0; i < 5_000; i++) log.warn(unresolved(`n${i}.test`), UNRESOLVED);
  log.warn(unresolved('a.test'), UNRESOLVED);
  expect(lines.at(-1)?.fields).toEqual(unresolved('a.test'));
});

test('flush() says what is folded, and leaves no timer', () => {
  const { log, said } = folding();
  log.warn(from(1), 'refused');
  vi.advanceTimersByTime(2_500);
  log.warn(from(2), 'refused');
  log.flush();
  expect(said()).toEqual(['refused', 'refused 1 more in 3 s']);
  expect(vi.getTimerCount()).toBe(0);
  log.flush();
  expect(said()).toHaveLength(2);
});

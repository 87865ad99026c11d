import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { foldRepeats } from '../src/fold-repeats.ts';
import { testLog } from './helpers/relay.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function folding() {
  const log = testLog();
  return { log: foldRepeats(log), said: () => log.lines.map(({ message }) => message), lines: log.lines };
}

const refusal = {
  client: '10.0.0.2:1024',
  name: 'b.test',
  rule: 'not in TARGET',
  reason: 'no',
  decision: 'refused',
};
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
  for (const port of [80, 443]) log.warn({ port, ...refusal }, 'refused');
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
  ['decision', { decision: 'would refuse' }],
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
  const failure = { client: '[::1]:5', target: 'a.test:443', sent: 0, ms: 3 };
  log.warn({ ...failure, err: new Error('ECONNREFUSED') }, 'connection refused');
  log.warn({ ...failure, err: new Error('ECONNREFUSED'), ms: 4, client: '[::1]:6' }, 'connection refused');
  log.warn({ ...failure, err: 'ECONNREFUSED', sent: 7 }, 'connection refused');
  log.flush();
  expect(said()).toEqual(['connection refused', 'connection refused 2 more in 0 s']);
  expect(lines[1]?.fields).toEqual({ client: '[::1]', target: 'a.test:443', err: 'ECONNREFUSED', more: 2 });
});

test('foldRepeats() passes on at once what is about no client, and what is no warning', () => {
  const { log, said } = folding();
  for (let i = 0; i < 2; i++) {
    log.warn({ name: 'a.test' }, 'the name cannot be resolved');
    log.info(refusal, 'connection ended');
    log.debug(refusal, 'connection ended');
  }
  expect(said()).toHaveLength(6);
  expect(vi.getTimerCount()).toBe(0);
});

test('foldRepeats() bounds what it keeps and what it says, however many clients there seem to be', () => {
  const { log, said, lines } = folding();
  for (let i = 0; i < 5_000; i++) log.warn({ ...refusal, client: `10.1.${i >> 8}.${i & 255}:5` }, 'refused');
  expect(said()).toHaveLength(1_001);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(10_000);
  expect(said().at(-1)).toBe('refused 3999 more in 10 s');
  expect(lines.at(-1)?.fields).toEqual({ client: 'others', more: 3_999 });
  log.warn(from(1), 'refused');
  log.warn(from(2), 'refused');
  log.flush();
  expect(lines.at(-1)?.fields).toMatchObject({ client: '10.0.0.2', more: 1 });
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

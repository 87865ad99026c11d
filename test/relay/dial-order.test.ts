import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { DialOrder } from '../../src/relay/dial-order.ts';

const v4 = (last: number) => ({ address: `192.0.2.${last}`, family: 4 });
const v6 = (last: number) => ({ address: `2001:db8::${last}`, family: 6 });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('arrange() takes turns between the families, IPv6 first', () => {
  const sorted = new DialOrder().arrange([v4(1), v4(2), v4(3), v6(1), v6(2)]);
  expect(sorted.map(({ family }) => family)).toEqual([6, 4, 6, 4, 4]);
  expect(new Set(sorted)).toEqual(new Set([v4(1), v4(2), v4(3), v6(1), v6(2)]));
});

test('arrange() spreads the first place evenly over equal addresses', () => {
  const order = new DialOrder();
  const firsts = new Map<string, number>();
  for (let i = 0; i < 3_000; i++) {
    const address = order.arrange([v4(1), v4(2), v4(3)])[0]?.address ?? '';
    firsts.set(address, (firsts.get(address) ?? 0) + 1);
  }
  expect(firsts.size).toBe(3);
  for (const count of firsts.values()) expect(count).toBeGreaterThan(800);
});

test('arrange() puts an address that failed last, for 30 s', () => {
  const order = new DialOrder();
  order.failed(v6(1));
  expect(order.arrange([v6(1), v4(1)]).map(({ family }) => family)).toEqual([4, 6]);
  vi.advanceTimersByTime(30_000);
  expect(order.arrange([v6(1), v4(1)]).map(({ family }) => family)).toEqual([6, 4]);
});

test('an address that answers has not failed any more', () => {
  const order = new DialOrder();
  order.failed(v6(1));
  expect(order.hasFailed(v6(1))).toBe(true);
  order.answered(v6(1), 5);
  expect([v6(1), v4(1)].map((address) => order.hasFailed(address))).toEqual([false, false]);
  expect([4, 5, 6].map((at) => order.hasAnsweredSince(v6(1), at))).toEqual([true, true, false]);
  expect(order.hasAnsweredSince(v4(1), 0)).toBe(false);
});

test('it is known of 256 addresses when they answered', () => {
  const order = new DialOrder();
  for (let i = 0; i <= 256; i++) order.answered(v4(i), 1);
  expect([0, 1, 256].map((i) => order.hasAnsweredSince(v4(i), 1))).toEqual([false, true, true]);
});

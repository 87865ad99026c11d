import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { RecentFailures } from '../../src/lib/recent-failures.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('split() puts what failed last for 30 s, in the order given', () => {
  const failures = new RecentFailures<string>((item) => item);
  failures.add('c');
  vi.advanceTimersByTime(29_999);
  failures.add('a');
  expect(failures.split(['a', 'b', 'c', 'd'])).toEqual([
    ['b', 'd'],
    ['a', 'c'],
  ]);
  vi.advanceTimersByTime(1);
  expect(['a', 'c'].map((item) => failures.has(item))).toEqual([true, false]);
});

test('a success ends the penalty, another failure begins it anew', () => {
  const failures = new RecentFailures<string>((item) => item);
  failures.add('a');
  failures.delete('a');
  expect(failures.has('a')).toBe(false);
  failures.add('a');
  vi.advanceTimersByTime(20_000);
  failures.add('a');
  vi.advanceTimersByTime(20_000);
  expect(failures.has('a')).toBe(true);
});

test('items of one key are the same', () => {
  const failures = new RecentFailures<{ readonly id: number }>(({ id }) => id);
  failures.add({ id: 1 });
  expect([failures.has({ id: 1 }), failures.has({ id: 2 })]).toEqual([true, false]);
});

test('with a penalty of 0 nothing is held against anybody', () => {
  const failures = new RecentFailures<string>((item) => item, 0);
  failures.add('a');
  expect(failures.has('a')).toBe(false);
});

test('split() loses none whose penalty ends meanwhile', () => {
  const failures = new RecentFailures<string>((item) => {
    vi.advanceTimersByTime(10_000);
    return item;
  });
  failures.add('a');
  failures.add('b');
  expect(failures.split(['a', 'b', 'c']).flat().toSorted()).toEqual(['a', 'b', 'c']);
});

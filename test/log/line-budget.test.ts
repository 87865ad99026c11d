import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { LineBudget } from '../../src/log/line-budget.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** How many of so many lines a source is granted. */
function granted(budget: LineBudget, source: string, lines: number): number {
  return Array.from({ length: lines }, () => budget.take(source)).filter((verdict) => verdict === 'granted')
    .length;
}

test('take() grants a burst, and then so many a second', () => {
  const budget = new LineBudget({ perSource: { burst: 4, rate: 2 }, inAll: { burst: 100, rate: 100 } });
  expect(granted(budget, 'one', 50)).toBe(4);
  expect(budget.take('one')).toBe('source spent');
  vi.advanceTimersByTime(1_000);
  expect(granted(budget, 'one', 50)).toBe(2);
  vi.advanceTimersByTime(60_000);
  expect(granted(budget, 'one', 50)).toBe(4);
});

test('take() lets a source that is refused again and again have its share all the same', () => {
  const budget = new LineBudget({ perSource: { burst: 4, rate: 2 }, inAll: { burst: 100, rate: 100 } });
  granted(budget, 'one', 4);
  let count = 0;
  for (let i = 0; i < 100; i++) {
    vi.advanceTimersByTime(100);
    count += granted(budget, 'one', 3);
  }
  expect(count).toBe(20);
});

test('take() bounds what all sources are granted together', () => {
  const budget = new LineBudget({ perSource: { burst: 4, rate: 2 }, inAll: { burst: 10, rate: 5 } });
  const all = () => Array.from({ length: 50 }, (_, i) => budget.take(`source ${i}`));
  expect(all().filter((verdict) => verdict === 'granted')).toHaveLength(10);
  expect(budget.take('late')).toBe('all spent');
  vi.advanceTimersByTime(1_000);
  expect(all().filter((verdict) => verdict === 'granted')).toHaveLength(5);
});

test('take() grants a quiet source its first line while noisy ones use all they can', () => {
  const budget = new LineBudget({ perSource: { burst: 20, rate: 0.2 }, inAll: { burst: 100, rate: 10 } });
  const noisy = Array.from({ length: 10 }, (_, i) => `noisy ${i}`);
  for (let second = 0; second < 30; second++) {
    for (const source of noisy) granted(budget, source, 50);
    expect(granted(budget, `quiet ${second}`, 1)).toBe(1);
    vi.advanceTimersByTime(1_000);
  }
});

test('take() remembers no more sources than are granted lines while one of them refills', () => {
  const budget = new LineBudget({ perSource: { burst: 4, rate: 1 }, inAll: { burst: 10, rate: 5 } });
  for (let i = 0; i < 1_000; i++) {
    budget.take('always there');
    for (let k = 0; k < 20; k++) budget.take(`source ${i} ${k}`);
    expect(budget.size).toBeLessThanOrEqual(10 + 4 * 5);
    vi.advanceTimersByTime(100);
  }
});

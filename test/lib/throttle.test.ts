import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { throttle } from '../../src/lib/throttle.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('throttle() runs at once, and again when the period is over, without a timer', () => {
  const run = vi.fn<() => void>();
  const call = throttle(1_000, run);
  call();
  call();
  vi.advanceTimersByTime(999);
  call();
  expect(run).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1);
  call();
  expect(run).toHaveBeenCalledTimes(2);
  expect(vi.getTimerCount()).toBe(0);
});

import { expect, onTestFinished, test, vi } from 'vitest';

import { Series } from '../../../soak/measure/series.ts';

const MEBI = 2 ** 20;

/** Heap that grows evenly by so much over so many minutes. */
function grown(minutes: number, bytes: number) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const series = new Series();
  for (let sample = 0; sample <= 6 * minutes; sample++) {
    series.add('heap', (bytes * sample) / (6 * minutes));
    vi.advanceTimersByTime(10_000);
  }
  return series.slope('heap');
}

test('what an hour shows to be a leak may be a door that warms up in three minutes', () => {
  expect(grown(60, 8 * MEBI)).toMatchObject({ isReal: true });
  expect(grown(5, 8 * MEBI)).toMatchObject({ isReal: false });
  expect(grown(5, 30 * MEBI)).toMatchObject({ isReal: true });
});

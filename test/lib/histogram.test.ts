import { expect, test } from 'vitest';

import { HISTOGRAM_CELLS, observe, readHistogram } from '../../src/lib/histogram.ts';

test('a histogram counts times up to each bound, the bound included, and beyond them', () => {
  const cells = new Float64Array(HISTOGRAM_CELLS + 2);
  for (const seconds of [0, 0.001, 0.002, 10, 60]) observe(cells, 1, seconds);
  const { count, sum, upTo } = readHistogram(cells, 1);
  expect([count, sum]).toEqual([5, 70.003]);
  const counts = new Map(upTo);
  expect([0.001, 0.0025, 5, 10].map((bound) => counts.get(bound))).toEqual([2, 3, 3, 4]);
  expect([cells.at(0), cells.at(-1)]).toEqual([0, 0]);
});

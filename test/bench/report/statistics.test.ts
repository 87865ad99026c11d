import { expect, test } from 'vitest';

import { summarize } from '../../../bench/report/statistics.ts';

test('summarize() takes the middle value of an odd number, whatever their order', () => {
  expect(summarize([9, 10, 1])).toEqual({ median: 9, min: 1, max: 10 });
});

test('summarize() takes the mean of the two in the middle of an even number', () => {
  expect(summarize([4, 1, 3, 100])).toEqual({ median: 3.5, min: 1, max: 100 });
});

test('summarize() makes nothing of nothing', () => {
  expect(summarize([])).toBeNull();
});

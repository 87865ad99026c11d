import { expect, test } from 'vitest';

import { describeRange, toRuns, withoutPort } from '../../src/lib/runs.ts';

test('toRuns() keeps neighbours together while they go together', () => {
  const isNext = (one: number, next: number) => next === one + 1;
  expect(toRuns([1, 2, 3, 7, 6, 7, 9], isNext)).toEqual([[1, 2, 3], [7], [6, 7], [9]]);
  expect(toRuns([], isNext)).toEqual([]);
});

test.each([
  [443, 443, '443'],
  [5000, 5999, '5000-5999'],
])('describeRange() shows %i to %i as %s', (first, last, shown) => {
  expect(describeRange(first, last)).toBe(shown);
});

test.each([
  ['connect ECONNREFUSED 127.0.0.1:80', 'connect ECONNREFUSED 127.0.0.1'],
  [
    'connect ECONNREFUSED 2001:db8::80:80; connect ETIMEDOUT 10.0.0.1:80',
    'connect ECONNREFUSED 2001:db8::80; connect ETIMEDOUT 10.0.0.1',
  ],
  ['listen EADDRINUSE: address already in use :::80', 'listen EADDRINUSE: address already in use ::'],
  ['connect ECONNREFUSED 127.0.0.1:8080', 'connect ECONNREFUSED 127.0.0.1:8080'],
])('withoutPort() makes of %s: %s', (message, rest) => {
  expect(withoutPort(message, 80)).toBe(rest);
});

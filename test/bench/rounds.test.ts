import { expect, test } from 'vitest';

import { turnsOf } from '../../bench/rounds.ts';

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

test.each([1, 2, 3, 4, 5, 6, 7])('each of %d peers has one turn in each round', (count) => {
  for (const round of range(10)) {
    expect(turnsOf(round + 1, count).toSorted((a, b) => a - b)).toEqual(range(count));
  }
});

test.each([3, 5])('each of %d peers comes behind each other one equally often', (count) => {
  const pairs = range(count - 1).flatMap((round) => {
    const turns = turnsOf(round + 1, count);
    return turns.map((peer, turn) => `${turns.at(turn - 1)} ${peer}`);
  });
  expect(new Set(pairs).size).toBe(count * (count - 1));
  expect(pairs.length).toBe(count * (count - 1));
});

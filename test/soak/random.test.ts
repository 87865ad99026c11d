import { expect, test } from 'vitest';

import { randomOf } from '../../soak/random.ts';

const draw = (seed: number, label: string) => {
  const { whole } = randomOf(seed, label);
  return Array.from({ length: 20 }, () => whole(0, 1_000_000));
};

test('randomOf() is the same for the same seed and label, and different for others', () => {
  expect(draw(1, 'a')).toEqual(draw(1, 'a'));
  expect(draw(1, 'a')).not.toEqual(draw(2, 'a'));
  expect(draw(1, 'a')).not.toEqual(draw(1, 'b'));
});

test('randomOf() stays within its bounds, and comes to both', () => {
  const random = randomOf(7, 'bounds');
  const wholes = Array.from({ length: 1_000 }, () => random.whole(3, 5));
  expect(new Set(wholes)).toEqual(new Set([3, 4, 5]));
  const sizes = Array.from({ length: 1_000 }, () => random.size(1, 1_000));
  expect(Math.min(...sizes)).toBe(1);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1_000);
  expect(sizes.filter((size) => size < 10).length).toBeGreaterThan(200);
  expect(() => random.pick([])).toThrow('there is nothing to pick from');
});

import { expect, test } from 'vitest';

import { slopeOf } from '../../../soak/judge/slope.ts';
import { randomOf } from '../../../soak/random.ts';

const FLOOR = 10;

/** A point every twelfth of a minute, for an hour. */
function hour(valueAt: (minute: number) => number) {
  return Array.from({ length: 720 }, (_, index) => ({ minute: index / 12, value: valueAt(index / 12) }));
}

test('slopeOf() tells a leak from its noise', () => {
  const { next } = randomOf(1, 'noise');
  const slope = slopeOf(
    hour((minute) => 2 * minute + 50 * next()),
    FLOOR,
  );
  expect(slope?.perMinute).toBeCloseTo(2, 0);
  expect(slope?.growth).toBeGreaterThan(50);
  expect(slope?.isReal).toBe(true);
});

test('slopeOf() takes noise, bursts and what has warmed up in the first half for none', () => {
  const { next } = randomOf(2, 'noise');
  const noise = hour(() => 100 * next());
  const warm = hour((minute) => Math.min(minute, 25) * 100 + 10 * next());
  const burst = hour((minute) => (minute > 58 ? 100_000 : 100 * next()));
  for (const points of [noise, warm, burst]) expect(slopeOf(points, FLOOR)?.isReal).toBe(false);
});

test('slopeOf() takes what rises surely and comes to less than the floor for none, and what falls', () => {
  expect(
    slopeOf(
      hour((minute) => minute / 4),
      FLOOR,
    ),
  ).toMatchObject({ isReal: false, perMinute: 0.25 });
  expect(
    slopeOf(
      hour((minute) => minute / 4),
      FLOOR,
    )?.z,
  ).toBeGreaterThan(4);
  expect(
    slopeOf(
      hour((minute) => minute / 2),
      FLOOR,
    )?.isReal,
  ).toBe(true);
  expect(
    slopeOf(
      hour((minute) => -2 * minute),
      FLOOR,
    )?.isReal,
  ).toBe(false);
});

test('slopeOf() of values that never change is none, and of few points nothing', () => {
  expect(
    slopeOf(
      hour(() => 5),
      FLOOR,
    ),
  ).toEqual({ perMinute: 0, growth: 0, z: 0, isReal: false });
  expect(slopeOf(hour((minute) => minute).slice(0, 18), FLOOR)).toBe(null);
  expect(slopeOf([], FLOOR)).toBe(null);
});

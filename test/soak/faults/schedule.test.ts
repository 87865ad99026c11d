import { expect, test } from 'vitest';

import { AT_DOOR } from '../../../soak/faults/at-door.ts';
import { AT_TARGET } from '../../../soak/faults/at-target.ts';
import { schedule } from '../../../soak/faults/schedule.ts';

const FAULTS = [...AT_DOOR, ...AT_TARGET];
const options = { seed: 20, victim: 'raw', length: 3_600_000 };
const told = (planned: ReturnType<typeof schedule>) =>
  planned.map(({ fault, at, lasts }) => [fault.name, at, lasts]);

test('schedule() is the same for the same seed, and another for another seed or victim', () => {
  const first = told(schedule(FAULTS, options));
  expect(told(schedule(FAULTS, options))).toEqual(first);
  expect(told(schedule(FAULTS, { ...options, seed: 21 }))).not.toEqual(first);
  expect(told(schedule(FAULTS, { ...options, victim: 'udp' }))).not.toEqual(first);
});

test('schedule() has each kind occur, one after the other, and all over before the end', () => {
  const planned = schedule(FAULTS, options);
  expect(new Set(planned.map(({ fault }) => fault.name)).size).toBe(FAULTS.length);
  planned.forEach(({ fault, at, lasts }, index) => {
    expect(lasts).toBeGreaterThanOrEqual(fault.lasts[0]);
    expect(lasts).toBeLessThanOrEqual(fault.lasts[1]);
    expect(at + lasts).toBeLessThan(planned[index + 1]?.at ?? options.length);
  });
});

test('schedule() of nothing, or for no time, is empty', () => {
  expect(schedule([], options)).toEqual([]);
  expect(schedule(FAULTS, { ...options, length: 1_000 })).toEqual([]);
});

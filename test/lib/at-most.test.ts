import { setImmediate as turn } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { atMost } from '../../src/lib/at-most.ts';

test('atMost() runs so many at a time, in the order in which they came, and goes on where one rejects', async () => {
  const limited = atMost(16);
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  const run = async (item: number) => {
    begun.push(item);
    most = Math.max(most, ++running);
    for (let turns = item % 7; turns >= 0; turns--) await turn();
    running--;
    if (item % 10 === 3) throw new Error(`${item}`);
    return item;
  };
  const items = Array.from({ length: 100 }, (_, i) => i);
  const outcomes = await Promise.allSettled(items.map((item) => limited(() => run(item))));
  expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(items.map((item) => item % 10 === 3));
  expect(begun).toEqual(items);
  expect(most).toBe(16);
  expect(await limited(() => run(1))).toBe(1);
});

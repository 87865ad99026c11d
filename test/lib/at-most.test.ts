import { setImmediate as turn } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { takeTurns } from '../../src/lib/take-turns.ts';

test('takeTurns() runs so many at a time, in the order in which they came, and goes on where one rejects', async () => {
  const inTurn = takeTurns(16);
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
  const outcomes = await Promise.allSettled(items.map((item) => inTurn(() => run(item))));
  expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(items.map((item) => item % 10 === 3));
  expect(begun).toEqual(items);
  expect(most).toBe(16);
  expect(await inTurn(() => run(1))).toBe(1);
});

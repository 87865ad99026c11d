import { expect, test } from 'vitest';

import { inTurn } from '../../src/lib/in-turn.ts';

test('inTurn() runs so many tasks at a time, in order, whatever becomes of them', async () => {
  const run = inTurn(2);
  const began: number[] = [];
  const tasks = [0, 1, 2, 3].map((index) => {
    const task = Promise.withResolvers<void>();
    run(() => {
      began.push(index);
      return task.promise;
    });
    return task;
  });
  expect(began).toEqual([0, 1]);
  tasks[1]?.reject(new Error('failed'));
  await expect.poll(() => began).toEqual([0, 1, 2]);
  tasks[0]?.resolve();
  tasks[2]?.resolve();
  await expect.poll(() => began).toEqual([0, 1, 2, 3]);
});

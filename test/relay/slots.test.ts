import { expect, test } from 'vitest';

import { Slots } from '../../src/relay/slots.ts';

const { signal: never } = new AbortController();

test('take() serves those who wait in the order of their arrival', async () => {
  const slots = new Slots(1);
  await slots.take(never);
  const served: string[] = [];
  const waits = ['a', 'b', 'c'].map(async (who) => {
    await slots.take(never);
    served.push(who);
  });
  expect(slots).toMatchObject({ held: 1, waiting: 3 });

  for (const wait of waits) {
    slots.release();
    await wait;
  }
  expect(served).toEqual(['a', 'b', 'c']);
  slots.release();
  expect(slots).toMatchObject({ held: 0, waiting: 0 });
});

test('take() gives the place in the queue up when its signal aborts', async () => {
  const slots = new Slots(1);
  await slots.take(never);
  const leaver = new AbortController();
  const left = slots.take(leaver.signal);
  const stayed = slots.take(never);
  leaver.abort(new Error('gone'));
  await expect(left).rejects.toThrow('gone');
  slots.release();
  await stayed;
  expect(slots).toMatchObject({ held: 1, waiting: 0 });
});

test('take() takes nothing for a signal that has aborted before', async () => {
  const slots = new Slots(1);
  await expect(slots.take(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  expect(slots.held).toBe(0);
});

test('tryTake() overtakes nobody who waits', async () => {
  const slots = new Slots(1);
  expect(slots.tryTake()).toBe(true);
  const waiting = slots.take(never);
  slots.release();
  expect(slots.tryTake()).toBe(false);
  await waiting;
  expect(slots.held).toBe(1);
});

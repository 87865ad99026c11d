import { expect, test } from 'vitest';

import { newSlotCells, Slots } from '../../src/relay/slots.ts';

const { signal: never } = new AbortController();

test('take() serves those who wait in the order of their arrival', async () => {
  const slots = new Slots(1);
  await slots.take('192.0.2.1', never);
  const served: string[] = [];
  const waits = ['a', 'b', 'c'].map(async (who) => {
    await slots.take('192.0.2.1', never);
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
  await slots.take('192.0.2.1', never);
  const leaver = new AbortController();
  const left = slots.take('192.0.2.1', leaver.signal);
  const stayed = slots.take('192.0.2.1', never);
  leaver.abort(new Error('gone'));
  await expect(left).rejects.toThrow('gone');
  slots.release();
  await stayed;
  expect(slots).toMatchObject({ held: 1, waiting: 0 });
});

test('take() takes nothing for a signal that has aborted before', async () => {
  const slots = new Slots(1);
  await expect(slots.take('192.0.2.1', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  expect(slots.held).toBe(0);
});

test('tryTake() takes as many as it is asked for, or none', () => {
  const slots = new Slots(3);
  expect(slots.tryTake(2)).toBe(true);
  expect(slots.tryTake(2)).toBe(false);
  expect(slots.held).toBe(2);
  expect(slots.tryTake(1)).toBe(true);
});

test('tryTake() overtakes nobody who waits', async () => {
  const slots = new Slots(1);
  expect(slots.tryTake()).toBe(true);
  const waiting = slots.take('192.0.2.1', never);
  slots.release();
  expect(slots.tryTake()).toBe(false);
  await waiting;
  expect(slots.held).toBe(1);
});

test('of two addresses that wait, each is served after the other', async () => {
  const slots = new Slots(1);
  await slots.take('a', never);
  const served: string[] = [];
  const waits = ['a1', 'a2', 'a3', 'b1'].map(async (who) => {
    await slots.take(who.slice(0, 1), never);
    served.push(who);
    slots.release();
  });
  slots.release();
  await Promise.all(waits);
  expect(served).toEqual(['a1', 'b1', 'a2', 'a3']);
});

test('a slot that becomes free when all who waited have left is for another thread that waits', async () => {
  const cells = newSlotCells();
  const [one, other] = [new Slots(1, cells), new Slots(1, cells)];
  await one.take('a', never);
  const leaver = new AbortController();
  const left = one.take('a', leaver.signal);
  const stayed = other.take('a', never);
  leaver.abort(new Error('gone'));
  await expect(left).rejects.toThrow('gone');
  one.release();
  await stayed;
  expect(other).toMatchObject({ held: 1, waiting: 0 });
});

test('tryBeginYield() announces no second slot for one that has not yet taken its own', async () => {
  const slots = new Slots(2);
  await slots.take('192.0.2.1', never);
  await slots.take('192.0.2.1', never);
  const waiting = slots.take('192.0.2.1', never);
  expect([slots.tryBeginYield(), slots.tryBeginYield()]).toEqual([true, false]);
  slots.release({ isYielded: true });
  expect(slots).toMatchObject({ held: 1, waiting: 1 });
  expect(slots.tryBeginYield()).toBe(false);
  await waiting;
  expect(slots).toMatchObject({ held: 2, waiting: 0 });
});

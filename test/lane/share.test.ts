import { setTimeout as delay } from 'node:timers/promises';

import { expect, onTestFinished, test } from 'vitest';

import { LaneShare, shareOf } from '../../src/lane/share.ts';
import { Slots } from '../../src/relay/slots.ts';

const { signal: never } = new AbortController();

test.each([
  [1, 0],
  [2, 1],
  [10, 9],
  [100, 90],
  [Infinity, Infinity],
  [Number.MAX_SAFE_INTEGER, 1_000_000],
])('of %f slots %f are for the kernel', (size, share) => {
  expect(shareOf(size)).toBe(share);
});

/** A port of so many slots, whose flows live as long as they are among these. */
function open(size: number) {
  const slots = new Slots(size);
  const flows = new Set<string>();
  const switched: boolean[] = [];
  const state = { hasLanes: true };
  let onEnd = () => {};
  const share = new LaneShare({
    slots,
    hasLanes: () => state.hasLanes,
    onSwitch: async (isOpen) => void switched.push(isOpen),
    live: async () => flows.size,
    watchEnds: (listener) => {
      onEnd = listener;
      return () => (onEnd = () => {});
    },
  });
  const closed = new AbortController();
  onTestFinished(() => closed.abort());
  void share.run(closed.signal);
  const end = (flow: string) => {
    flows.delete(flow);
    onEnd();
  };
  const setLanes = (hasLanes: boolean) => {
    state.hasLanes = hasLanes;
    share.notice();
  };
  return { slots, flows, switched, share, end, setLanes, close: () => closed.abort() };
}

test('the kernel is open while nobody waits, and its slots are held', async () => {
  const { slots, switched, share } = open(10);
  await expect.poll(() => switched).toEqual([true]);
  expect([share.held, slots.held]).toEqual([9, 9]);
  expect(slots.tryTake()).toBe(true);
  await delay(0);
  expect(switched).toEqual([true]);
});

test('who waits gets at once what the kernel does not use', async () => {
  const { slots, switched, share, flows } = open(10);
  await expect.poll(() => switched).toEqual([true]);
  for (let i = 0; i < 7; i++) flows.add(`${i}`);
  slots.tryTake();
  await slots.take('192.0.2.1', never);
  expect(switched).toEqual([true, false]);
  await expect.poll(() => share.held).toBe(7);
  expect(slots.held).toBe(9);
});

test('who waits gets the slot of the flow that ends next, and the kernel has its slots back behind that', async () => {
  const { slots, switched, share, flows, end } = open(3);
  await expect.poll(() => switched).toEqual([true]);
  flows.add('a').add('b');
  expect(slots.tryTake()).toBe(true);
  let isServed = false;
  const waiting = slots.take('192.0.2.1', never).then(() => (isServed = true));
  await expect.poll(() => switched).toEqual([true, false]);
  expect(isServed).toBe(false);

  end('a');
  await waiting;
  expect([share.held, slots.held]).toEqual([1, 3]);
  slots.release();
  end('b');
  await expect.poll(() => switched, { timeout: 5_000 }).toEqual([true, false, true]);
  expect([share.held, slots.held]).toEqual([2, 3]);
});

test('without lanes the kernel is shut, and all but its live flows is given back', async () => {
  const { slots, switched, share, flows, setLanes } = open(10);
  await expect.poll(() => switched).toEqual([true]);
  flows.add('a');
  setLanes(false);
  await expect.poll(() => switched).toEqual([true, false]);
  await expect.poll(() => share.held).toBe(1);
  expect(slots.held).toBe(1);
  setLanes(true);
  await expect.poll(() => switched).toEqual([true, false, true]);
  expect(share.held).toBe(9);
});

test('at its end all is given back', async () => {
  const { slots, switched, close } = open(10);
  await expect.poll(() => switched).toEqual([true]);
  close();
  await expect.poll(() => slots.held).toBe(0);
});

test('without a limit the kernel is open for good, and holds none', async () => {
  const { slots, switched, share } = open(Infinity);
  await expect.poll(() => switched).toEqual([true]);
  expect([share.held, slots.held]).toEqual([0, 0]);
});

test('of one slot the kernel has none', async () => {
  const { slots, switched } = open(1);
  await delay(0);
  expect(switched).toEqual([]);
  expect(slots.tryTake()).toBe(true);
});

import { setTimeout as delay } from 'node:timers/promises';

import { expect, onTestFinished, test } from 'vitest';

import { LaneShare, limitsOf, partsOf } from '../../src/lane/share.ts';
import { Slots } from '../../src/relay/slots.ts';

const { signal: never } = new AbortController();

test.each([
  [1, []],
  [2, [1]],
  [10, [9, 5, 2]],
  [100, [90, 50, 20]],
  [101, [90, 50, 20]],
  [1_100, [990, 550, 220]],
  [20_400, [18_360, 10_200, 4_080]],
  [Infinity, [Infinity]],
  [Number.MAX_SAFE_INTEGER, [999_936]],
])("of %f slots so many may be the kernel's, as many in each part: %j", (size, limits) => {
  expect(limitsOf(size)).toEqual(limits);
  expect(limitsOf(size).filter((limit) => limit % partsOf(size) > 0)).toEqual([]); // Infinity % 1 is NaN
});

test.each([
  [1, 1],
  [100, 1],
  [101, 2],
  [25_600, 256],
  [25_601, 256],
  [Infinity, 1],
])('of %f slots flows are counted in %i parts', (size, parts) => {
  expect(partsOf(size)).toBe(parts);
});

/** A port of so many slots, whose flows live as long as they are among these, each with its part. */
function open(size: number, former: Readonly<Record<string, number>> = {}) {
  const slots = new Slots(size);
  const flows = new Map(Object.entries(former));
  const limits: number[] = [];
  const state = { hasLanes: true, isKnown: true, looks: 0 };
  let onEnd = () => {};
  const share = new LaneShare({
    slots,
    hasLanes: () => state.hasLanes,
    onLimit: async (limit) => void limits.push(limit),
    live: async () => {
      state.looks++;
      return state.isKnown ? [...flows.values()] : null;
    },
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
  return {
    slots,
    flows,
    limits,
    share,
    state,
    end,
    setLanes,
    looks: () => state.looks,
    close: () => closed.abort(),
  };
}

test('the kernel is open while nobody waits, and its slots are held', async () => {
  const { slots, limits, share } = open(10);
  await expect.poll(() => limits).toEqual([9]);
  expect([share.held, slots.held]).toEqual([9, 9]);
  expect(slots.tryTake()).toBe(true);
  await delay(0);
  expect(limits).toEqual([9]);
});

test('who waits gets at once what the kernel does not use', async () => {
  const { slots, limits, share, flows } = open(10);
  await expect.poll(() => limits).toEqual([9]);
  for (let i = 0; i < 7; i++) flows.set(`${i}`, 0);
  slots.tryTake();
  await slots.take('192.0.2.1', never);
  expect(limits).toEqual([9, 0]);
  await expect.poll(() => share.held).toBe(7);
  expect(slots.held).toBe(9);
});

test('who waits gets the slot of the flow that ends next, and the kernel has its slots back behind that', async () => {
  const { slots, limits, share, flows, end } = open(3);
  await expect.poll(() => limits).toEqual([2]);
  flows.set('a', 0).set('b', 0);
  expect(slots.tryTake()).toBe(true);
  let isServed = false;
  const waiting = slots.take('192.0.2.1', never).then(() => (isServed = true));
  await expect.poll(() => limits).toEqual([2, 0]);
  expect(isServed).toBe(false);

  end('a');
  await waiting;
  expect([share.held, slots.held]).toEqual([1, 3]);
  slots.release();
  end('b');
  await expect.poll(() => limits, { timeout: 5_000 }).toEqual([2, 0, 2]);
  expect([share.held, slots.held]).toEqual([2, 3]);
});

test('where the relay has too many slots, the kernel has half of them or a fifth, and more when it can', async () => {
  const { slots, limits, share, setLanes } = open(10);
  await expect.poll(() => limits).toEqual([9]);
  setLanes(false);
  await expect.poll(() => slots.held).toBe(0);
  expect(slots.tryTake(6)).toBe(true);
  setLanes(true);
  await expect.poll(() => limits).toEqual([9, 0, 2]);
  expect([share.held, slots.held]).toEqual([2, 8]);

  // With half of them for the kernel, none would be free for the relay.
  slots.release();
  share.notice();
  await delay(0);
  expect(limits).toEqual([9, 0, 2]);
  slots.release();
  await expect.poll(() => limits, { timeout: 5_000 }).toEqual([9, 0, 2, 5]);
  for (let i = 0; i < 4; i++) slots.release();
  await expect.poll(() => limits, { timeout: 5_000 }).toEqual([9, 0, 2, 5, 9]);
  expect([share.held, slots.held]).toEqual([9, 9]);
});

test('a limit below what lives in the kernel is not taken', async () => {
  const { slots, limits, share, flows, setLanes, looks } = open(10);
  await expect.poll(() => limits).toEqual([9]);
  for (const flow of ['a', 'b', 'c']) flows.set(flow, 0);
  setLanes(false);
  await expect.poll(() => share.held).toBe(3);
  expect(slots.tryTake(6)).toBe(true);
  setLanes(true);
  const before = looks();
  await expect.poll(looks, { timeout: 5_000 }).toBeGreaterThan(before + 1);
  expect(limits).toEqual([9, 0]);
  for (let i = 0; i < 2; i++) slots.release();
  await expect.poll(() => limits, { timeout: 5_000 }).toEqual([9, 0, 5]);
});

test('slots are held for what a limit lets live beside what lives already, in whichever parts', async () => {
  const { slots, limits, share, flows, setLanes, end } = open(200);
  await expect.poll(() => limits).toEqual([180]);
  for (let i = 0; i < 90; i++) flows.set(`${i}`, 0);
  setLanes(false);
  await expect.poll(() => share.held).toBe(90);
  expect(slots.tryTake(40)).toBe(true);
  setLanes(true);
  // The first part has all that it may have, and the other one comes to have half of 100.
  await expect.poll(() => limits, { timeout: 5_000 }).toEqual([180, 0, 100]);
  expect([share.held, slots.held]).toEqual([140, 180]);

  // What is of the first part still counts as long as the kernel is open.
  for (let i = 0; i < 90; i++) end(`${i}`);
  for (let i = 0; i < 20; i++) slots.release();
  await expect.poll(() => limits, { timeout: 5_000 }).toEqual([180, 0, 100, 180]);
  expect([share.held, slots.held]).toEqual([180, 200]);
});

test('what another door has left takes room, also of parts that there are not here', async () => {
  const { slots, limits, share, setLanes, end } = open(10, { a: 255, b: 0 });
  await expect.poll(() => limits).toEqual([9]);
  // Nine in this door's part, and the other one.
  expect([share.held, slots.held]).toEqual([10, 10]);
  setLanes(false);
  end('a');
  await expect.poll(() => share.held).toBe(1);
  setLanes(true);
  await expect.poll(() => limits, { timeout: 5_000 }).toEqual([9, 0, 9]);
  expect([share.held, slots.held]).toEqual([9, 9]);
});

test('who has waited and left keeps the kernel shut no longer, though it is not known what lives', async () => {
  const { slots, limits, share, state } = open(10);
  await expect.poll(() => limits).toEqual([9]);
  slots.tryTake();
  state.isKnown = false;
  const leaving = new AbortController();
  const waiting = slots.take('192.0.2.1', leaving.signal);
  await expect.poll(() => limits).toEqual([9, 0]);
  leaving.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  await expect.poll(() => limits, { timeout: 5_000 }).toEqual([9, 0, 9]);
  expect([share.held, slots.held]).toEqual([9, 10]);
});

test('nothing is given away while it is not known what lives', async () => {
  const { slots, limits, share, state, looks } = open(10);
  await expect.poll(() => limits).toEqual([9]);
  state.isKnown = false;
  slots.tryTake();
  const waiting = slots.take('192.0.2.1', never);
  await expect.poll(looks, { timeout: 5_000 }).toBeGreaterThan(1);
  expect([share.held, slots.held]).toEqual([9, 10]);
  state.isKnown = true;
  await waiting;
});

test('without lanes the kernel is shut, and all but its live flows is given back', async () => {
  const { slots, limits, share, flows, setLanes } = open(10);
  await expect.poll(() => limits).toEqual([9]);
  flows.set('a', 0);
  setLanes(false);
  await expect.poll(() => limits).toEqual([9, 0]);
  await expect.poll(() => share.held).toBe(1);
  expect(slots.held).toBe(1);
  setLanes(true);
  await expect.poll(() => limits).toEqual([9, 0, 9]);
  expect(share.held).toBe(9);
});

test('at its end all is given back', async () => {
  const { slots, limits, close } = open(10);
  await expect.poll(() => limits).toEqual([9]);
  close();
  await expect.poll(() => slots.held).toBe(0);
});

test('without a limit the kernel is open for good, and holds none', async () => {
  const { slots, limits, share } = open(Infinity);
  await expect.poll(() => limits).toEqual([Infinity]);
  expect([share.held, slots.held]).toEqual([0, 0]);
});

test('of one slot the kernel has none', async () => {
  const { slots, limits } = open(1);
  await delay(0);
  expect(limits).toEqual([]);
  expect(slots.tryTake()).toBe(true);
});

import { expect, test } from 'vitest';

import { abortable } from '../../src/lib/abortable.ts';
import { countObjects } from '../helpers/count-objects.ts';

const { signal: unaborted } = new AbortController();

/** What a promise comes to, be it an error. */
function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((cause: unknown) => cause);
}

test('abortable() resolves and rejects as the promise does, for any number who wait for it, and later', async () => {
  const problem = new Error('no');
  const [good, bad] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  const wait = () => [good, good, bad].map(({ promise }) => outcomeOf(abortable(promise, unaborted)));
  const waiting = wait();
  good.resolve(7);
  bad.reject(problem);
  expect(await Promise.all(waiting)).toEqual([7, 7, problem]);
  expect(await Promise.all(wait())).toEqual([7, 7, problem]);
});

test('abortable() rejects with the reason of its own signal, before or while it waits, and leaves others waiting', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const leaving = new AbortController();
  const reason = new Error('left');
  const left = outcomeOf(abortable(promise, leaving.signal));
  const stays = abortable(promise, unaborted);
  leaving.abort(reason);
  expect(await left).toBe(reason);
  expect(await outcomeOf(abortable(promise, leaving.signal))).toBe(reason);
  resolve(7);
  expect(await stays).toBe(7);
});

test('abortable() keeps nothing of who has left, however long the promise takes', async () => {
  const COUNT = 1_000;
  const { promise, resolve } = Promise.withResolvers<number>();
  const come = async () => {
    const leaving = new AbortController();
    const left = outcomeOf(abortable(promise, leaving.signal));
    leaving.abort('left');
    await left;
  };
  await come();
  const before = countObjects();
  for (let i = 0; i < COUNT; i++) await come();
  expect(countObjects() - before).toBeLessThan(COUNT / 10);
  resolve(7);
  expect(await promise).toBe(7);
});

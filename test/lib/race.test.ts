import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { race } from '../../src/lib/race.ts';

const { signal } = new AbortController();
const after = (ms: number, outcome: string | Error) => async (each: AbortSignal) => {
  await delay(ms, undefined, { signal: each });
  if (outcome instanceof Error) throw outcome;
  return outcome;
};
type Attempt = (each: AbortSignal) => Promise<string>;
const onSlow = () => {};
const run = (attempt: Attempt) => attempt(signal);

test('race() takes the first candidate that succeeds within its head start', async () => {
  const started: number[] = [];
  const attempt = async (candidate: number) => {
    started.push(candidate);
    return candidate;
  };
  expect(await race([1, 2, 3], attempt, { headStart: () => 1_000, signal, onSlow })).toBe(1);
  expect(started).toEqual([1]);
});

test('race() starts the next candidate at once when one fails', async () => {
  const attempts = [after(0, new Error('no')), after(0, new Error('nor I')), after(0, 'yes')];
  expect(await race(attempts, run, { headStart: () => 60_000, signal, onSlow })).toBe('yes');
});

test('race() starts the next candidate after the head start, and a slow one may still win', async () => {
  expect(
    await race([after(60_000, 'slow'), after(0, 'fast')], run, { headStart: () => 10, signal, onSlow }),
  ).toBe('fast');
  expect(
    await race([after(50, 'slow'), after(60_000, 'slower')], run, { headStart: () => 10, signal, onSlow }),
  ).toBe('slow');
});

test('race() starts none beside another until it may, but in the place of one that has failed', async () => {
  let asked = 0;
  const mayHurry = () => ++asked > 3;
  const slow = [after(60_000, 'slow'), after(0, 'fast')];
  expect(await race(slow, run, { headStart: () => 1, mayHurry, signal, onSlow })).toBe('fast');
  expect(asked).toBe(4);
  const failing = [after(20, new Error('no')), after(0, 'yes')];
  const never = () => false;
  expect(await race(failing, run, { headStart: () => 1, mayHurry: never, signal, onSlow })).toBe('yes');
});

test('race() tells that there are losers, where there are', async () => {
  let told = 0;
  const onLosers = () => told++;
  await race([after(0, 'won')], run, { headStart: () => 10, signal, onLosers, onSlow });
  expect(told).toBe(0);
  await race([after(60_000, 'late'), after(0, 'won')], run, {
    headStart: () => 10,
    signal,
    onLosers,
    onSlow,
  });
  expect(told).toBe(1);
});

test('race() hands out for disposal what comes too late', async () => {
  const late = Promise.withResolvers<string>();
  const discarded = Promise.withResolvers<string>();
  await race([() => late.promise, after(0, 'won')], run, {
    headStart: () => 1,
    signal,
    onSlow,
    discard: discarded.resolve,
  });
  late.resolve('too late');
  expect(await discarded.promise).toBe('too late');
});

test('race() rejects with all failures in order', async () => {
  const attempts = [after(20, new Error('first')), after(0, new Error('second'))];
  const failure = await race(attempts, run, { headStart: () => 1, signal, onSlow }).catch(
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(AggregateError);
  expect((failure as AggregateError).message).toBe('first; second');
});

test('race() rejects with the reason of its signal', async () => {
  const timeout = AbortSignal.timeout(20);
  const options = { headStart: () => 60_000, signal: timeout, onSlow };
  const attempts = [after(60_000, 'late'), after(0, 'never')];
  await expect(race(attempts, (attempt) => attempt(timeout), options)).rejects.toThrow('timeout');
  await expect(
    race([after(0, 'x')], run, { headStart: () => 1, signal: AbortSignal.abort(new Error('gone')), onSlow }),
  ).rejects.toThrow('gone');
});

test('race() tells of a candidate that is slow, and not of one that fails or wins', async () => {
  const slow: string[] = [];
  const attempt = (name: string) =>
    after(name === 'slow' ? 60_000 : 0, name === 'failing' ? new Error('no') : name)(signal);
  const options = { headStart: () => 10, signal, onSlow: (name: string) => slow.push(name) };
  expect(await race(['failing', 'slow', 'winning', 'unused'], attempt, options)).toBe('winning');
  expect(slow).toEqual(['slow']);
});

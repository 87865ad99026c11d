import { expect, test } from 'vitest';

import { singleFlight } from '../../src/lib/single-flight.ts';

const { signal } = new AbortController();

/** Flights that end when they are told, and their signals. */
function flights(closing?: AbortSignal) {
  const started: {
    readonly key: string;
    readonly signal: AbortSignal;
    readonly land: (text: string) => void;
  }[] = [];
  const join = singleFlight((key: string, over) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    over.addEventListener('abort', () => reject(over.reason));
    if (over.aborted) reject(over.reason);
    started.push({ key, signal: over, land: resolve });
    return promise;
  }, closing);
  return { join, started };
}

test('singleFlight() runs once at a time for each key, for all who want it, and anew after that', async () => {
  const { join, started } = flights();
  const all = [join('a', signal), join('a', signal), join('b', signal)];
  expect(started.map(({ key }) => key)).toEqual(['a', 'b']);
  started[0]?.land('one');
  started[1]?.land('two');
  expect(await Promise.all(all)).toEqual(['one', 'one', 'two']);

  const again = join('a', signal);
  expect(started).toHaveLength(3);
  started[2]?.land('three');
  expect(await again).toBe('three');
});

test('singleFlight() gives up, with the last reason, when the last who waits has left, and not before', async () => {
  const { join, started } = flights();
  const [first, last] = [new AbortController(), new AbortController()];
  const left = Promise.allSettled([join('a', first.signal), join('a', last.signal)]);
  first.abort('left first');
  await expect(join('a', AbortSignal.abort('was never there'))).rejects.toBe('was never there');
  expect(started[0]?.signal.aborted).toBe(false);
  last.abort('left last');
  expect((await left).map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual([
    'left first',
    'left last',
  ]);
  expect(started.map(({ signal: { reason } }) => reason as unknown)).toEqual(['left last']);

  const next = join('a', signal);
  started[1]?.land('anew');
  expect(await next).toBe('anew');
});

test('singleFlight() ends for all with what closes it, and begins nothing after that', async () => {
  const closing = new AbortController();
  const { join } = flights(closing.signal);
  const waiting = Promise.allSettled([join('a', signal), join('b', signal)]);
  closing.abort('closed');
  expect(await waiting).toEqual([
    { status: 'rejected', reason: 'closed' },
    { status: 'rejected', reason: 'closed' },
  ]);
  await expect(join('a', signal)).rejects.toBe('closed');
});

test('singleFlight() tells all who wait of a failure', async () => {
  const join = singleFlight(async (key: string) => {
    await Promise.resolve();
    throw new Error(`${key} fails`);
  });
  const outcomes = await Promise.allSettled([join('a', signal), join('a', signal)]);
  expect(outcomes.map((outcome) => outcome.status === 'rejected' && String(outcome.reason))).toEqual([
    'Error: a fails',
    'Error: a fails',
  ]);
});

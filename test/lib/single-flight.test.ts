import { expect, test } from 'vitest';

import { SingleFlight } from '../../src/lib/single-flight.ts';

const { signal } = new AbortController();

/** Flights that end when they are told, and their signals. */
function startFlights() {
  const started: {
    readonly key: string;
    readonly signal: AbortSignal;
    readonly land: (text: string) => void;
  }[] = [];
  const flights = new SingleFlight((key: string, over) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    over.addEventListener('abort', () => reject(over.reason));
    if (over.aborted) reject(over.reason);
    started.push({ key, signal: over, land: resolve });
    return promise;
  });
  return { flights, started };
}

test('SingleFlight runs once at a time for each key, for all who want it, and anew after that', async () => {
  const { flights, started } = startFlights();
  const all = [flights.join('a', signal), flights.join('a', signal), flights.join('b', signal)];
  expect(started.map(({ key }) => key)).toEqual(['a', 'b']);
  started[0]?.land('one');
  started[1]?.land('two');
  expect(await Promise.all(all)).toEqual(['one', 'one', 'two']);

  const again = flights.join('a', signal);
  expect(started).toHaveLength(3);
  started[2]?.land('three');
  expect(await again).toBe('three');
});

test('SingleFlight gives up, with the last reason, when the last who waits has left, and not before', async () => {
  const { flights, started } = startFlights();
  const [first, last] = [new AbortController(), new AbortController()];
  const left = Promise.allSettled([flights.join('a', first.signal), flights.join('a', last.signal)]);
  first.abort('left first');
  await expect(flights.join('a', AbortSignal.abort('was never there'))).rejects.toBe('was never there');
  expect(started[0]?.signal.aborted).toBe(false);
  last.abort('left last');
  expect((await left).map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual([
    'left first',
    'left last',
  ]);
  expect(started.map(({ signal: { reason } }) => reason as unknown)).toEqual(['left last']);

  const next = flights.join('a', signal);
  started[1]?.land('anew');
  expect(await next).toBe('anew');
});

test('SingleFlight ends one key for all who wait when it is cut, and begins anew after that', async () => {
  const { flights, started } = startFlights();
  const waiting = Promise.allSettled([flights.join('a', signal), flights.join('a', signal)]);
  const other = flights.join('b', signal);
  flights.cut('a', new Error('cut'));
  flights.cut('a', new Error('has nothing to end'));
  expect(await waiting).toEqual([
    { status: 'rejected', reason: new Error('cut') },
    { status: 'rejected', reason: new Error('cut') },
  ]);
  const next = flights.join('a', signal);
  started[1]?.land('b');
  started[2]?.land('anew');
  expect(await Promise.all([other, next])).toEqual(['b', 'anew']);
});

test('SingleFlight tells all who wait of a failure', async () => {
  const flights = new SingleFlight(async (key: string) => {
    await Promise.resolve();
    throw new Error(`${key} fails`);
  });
  const outcomes = await Promise.allSettled([flights.join('a', signal), flights.join('a', signal)]);
  expect(outcomes.map((outcome) => outcome.status === 'rejected' && String(outcome.reason))).toEqual([
    'Error: a fails',
    'Error: a fails',
  ]);
});

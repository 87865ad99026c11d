import fc from 'fast-check';
import { expect, test } from 'vitest';

import { highestRate } from '../../../bench/loads/highest-rate.ts';

const options = { from: 1000, maxLoss: 0.01, halvings: 6 };

/** A path that carries so much, and a sender that offers no more than it can. */
function path(capacity: number, sender = Infinity) {
  return async (rate: number) => {
    const offered = Math.min(rate, sender);
    return { offered, delivered: Math.min(offered, capacity) };
  };
}

test('highestRate() comes close to what the path carries, from below and from above', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 50, max: 500_000 }), async (capacity) => {
      const best = await highestRate(path(capacity), options);
      expect(best?.delivered).toBeLessThanOrEqual(capacity);
      expect(best?.delivered).toBeGreaterThan(0.97 * capacity);
    }),
  );
});

test('highestRate() never takes what was lost for delivered', async () => {
  const best = await highestRate(
    async (rate) => ({ offered: rate, delivered: rate > 3000 ? rate / 2 : rate }),
    options,
  );
  expect(best?.delivered).toBeLessThanOrEqual(3000);
});

test('highestRate() ends where the sender can do no more', async () => {
  const best = await highestRate(path(1e6, 30_000), options);
  expect(best?.delivered).toBe(30_000);
});

test('highestRate() gives a rate a second chance', async () => {
  const seen = new Map<number, number>();
  const works = path(5000);
  const best = await highestRate(async (rate) => {
    const before = seen.get(rate) ?? 0;
    seen.set(rate, before + 1);
    return before === 0 ? { offered: rate, delivered: 0 } : works(rate);
  }, options);
  expect(best?.delivered).toBeGreaterThan(4850);
});

test('highestRate() is null where nothing arrives', async () => {
  expect(await highestRate(async (rate) => ({ offered: rate, delivered: 0 }), options)).toBeNull();
});

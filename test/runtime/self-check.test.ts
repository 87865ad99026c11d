import { expect, test } from 'vitest';

import { watchHealth } from '../../src/runtime/self-check.ts';
import { testLog } from '../helpers/relay.ts';

/** Watches through a script of outcomes, and stops when it is over: how many checks there were, and how the watch ended. */
async function watch(outcomes: readonly boolean[], limit: number) {
  const closing = new AbortController();
  let checks = 0;
  const check = async () => {
    const isHealthy = outcomes[checks++];
    if (isHealthy === undefined) closing.abort();
    if (isHealthy === false) throw new Error('unhealthy: it is mute');
    return 'healthy';
  };
  const options = { check, limit, interval: 1, log: testLog(), signal: closing.signal };
  const ending = await watchHealth(options).catch((error: unknown) => String(error));
  return { checks, ending };
}

test('watchHealth() rejects after so many failures in a row', async () => {
  expect(await watch([true, false, false, true, false, false, false, true], 3)).toEqual({
    checks: 7,
    ending: 'Error: 3 self-checks in a row have failed (EXIT_ON_UNHEALTHY)',
  });
});

test('watchHealth() forgets failures that a success followed', async () => {
  const { checks, ending } = await watch([false, false, true, false, false, true], 3);
  expect(checks).toBe(7);
  expect(ending).toContain('AbortError');
});

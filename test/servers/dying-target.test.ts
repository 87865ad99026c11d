import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { greeter, steadyLoad } from '../helpers/load.ts';
import { startNamedRelay } from '../helpers/named-relay.ts';
import { closedPort } from '../helpers/sockets.ts';
import { startUnbound } from '../helpers/unbound.ts';

/** The shortest that the relay takes, in s. */
const TTL = 5;

/** Has the old address die as the record changes, and tells when calls failed after that, in ms. */
async function killAsItMoves({ cached }: { readonly cached: boolean }): Promise<readonly number[]> {
  const unbound = await startUnbound({ test: [`api ${TTL} A 127.0.1.1`] });
  const target = await closedPort();
  const old = await greeter('old', { host: '127.0.1.1', port: target });
  await greeter('new', { host: '127.0.1.2', port: target });
  const { port } = await startNamedRelay(target, `127.0.0.1:${unbound.port}`);
  const load = steadyLoad(port);
  // The answer is as fresh as can be, so the longest wait for the next is ahead.
  await load.greeted('old');

  await unbound.rewrite({ test: [`api ${TTL} A 127.0.1.2`] }, { cached });
  const movedAt = performance.now();
  old.kill();
  await load.greeted('new');
  // As long again, to see that it lasts.
  await delay(performance.now() - movedAt);
  await load.stop();
  expect(load.calls.at(-1)?.greeting).toBe('new');
  return load.calls.filter(({ greeting }) => greeting === null).map(({ endedAt }) => endedAt - movedAt);
}

test('the old address dies as the record changes: calls fail for 1 s at most', async () => {
  const failures = await killAsItMoves({ cached: false });
  expect(Math.max(0, ...failures)).toBeLessThan(1_000);
});

test('the old address dies, and the nameserver has it cached: calls fail for its TTL and 1 s at most', async () => {
  const failures = await killAsItMoves({ cached: true });
  expect(failures).not.toEqual([]);
  expect(Math.max(...failures)).toBeLessThan((TTL + 1) * 1_000);
});

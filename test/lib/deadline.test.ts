import { once } from 'node:events';

import { expect, test } from 'vitest';

import { describeFailure, MAX_TIMEOUT, withDeadline } from '../../src/lib/deadline.ts';
import { messageOf } from '../../src/lib/message-of.ts';

/** Waits for what never happens. */
const never = (signal: AbortSignal) => once(new EventTarget(), 'never', { signal });
const { signal } = new AbortController();

test.each<[string, () => Promise<unknown>]>([
  [
    'a deadline of ours',
    () =>
      withDeadline({ timeout: 1, signal }, async (either) => {
        await never(either).catch(() => either.throwIfAborted());
      }),
  ],
  [
    'a signal with a time limit',
    async () => {
      const limit = AbortSignal.timeout(1);
      await never(limit).catch(() => limit.throwIfAborted());
    },
  ],
  ['a function of Node with such a signal', () => never(AbortSignal.timeout(1))],
])('describeFailure() says of %s that there was silence', async (_what, wait) => {
  const cause: unknown = await wait().catch((error: unknown) => error);
  expect(cause).toBeInstanceOf(Error);
  expect(describeFailure(cause, 7)).toBe('silent for 7 ms');
});

test('describeFailure() says what any other error says', () => {
  expect(describeFailure(new Error('refused'), 7)).toBe('refused');
  expect(describeFailure('refused', 7)).toBe(messageOf('refused'));
});

test('Node takes no longer timeout than MAX_TIMEOUT', async () => {
  const warned = once(process, 'warning');
  clearTimeout(setTimeout(() => {}, MAX_TIMEOUT));
  clearTimeout(setTimeout(() => {}, MAX_TIMEOUT + 1));
  const [{ message }] = (await warned) as [Error];
  expect(message).toMatch(new RegExp(`^${MAX_TIMEOUT + 1} does not fit into a 32-bit signed integer`));
});

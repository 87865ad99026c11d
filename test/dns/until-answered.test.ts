import { expect, test } from 'vitest';

import { untilAnswered } from '../../src/dns/until-answered.ts';
import { DeadlineError } from '../../src/lib/deadline.ts';
import { ResolveError } from '../../src/lib/resolve-error.ts';

const { signal } = new AbortController();
const down = new Error('DNS is down');

/** Attempts that come to this, in turn; the last one stays. */
function attempts(outcomes: readonly (string | Error)[]) {
  const startedAt: number[] = [];
  const attempt = async () => {
    const outcome = outcomes[Math.min(startedAt.length, outcomes.length - 1)];
    startedAt.push(performance.now());
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  return { attempt, startedAt };
}

test('untilAnswered() tries again after a failure, and not within a second', async () => {
  const { attempt, startedAt } = attempts([down, 'found']);
  expect(await untilAnswered('api.test', attempt, signal)).toBe('found');
  const [first = 0, second = 0] = startedAt;
  expect(second - first).toBeGreaterThan(990);
});

test('untilAnswered() rejects at once with a definite answer', async () => {
  const gone = new ResolveError('api.test does not exist (NXDOMAIN)', { isFinal: true });
  const { attempt, startedAt } = attempts([gone, 'found']);
  await expect(untilAnswered('api.test', attempt, signal)).rejects.toBe(gone);
  expect(startedAt).toHaveLength(1);
});

test('untilAnswered() rejects with the last failure when time is up, not with the time', async () => {
  const { attempt, startedAt } = attempts([down]);
  const deadline = new AbortController();
  const waiting = untilAnswered('api.test', attempt, deadline.signal);
  await expect.poll(() => startedAt).toHaveLength(1);
  deadline.abort(new DeadlineError(10));
  await expect(waiting).rejects.toMatchObject({
    name: 'ResolveError',
    message: 'DNS is down',
    isFinal: false,
  });
});

test('untilAnswered() says that the name was not resolved in time when nothing was said', async () => {
  const deadline = new AbortController();
  const silent = async () => {
    await new Promise((resolve) => deadline.signal.addEventListener('abort', resolve));
    throw deadline.signal.reason;
  };
  const waiting = untilAnswered('api.test', silent, deadline.signal);
  deadline.abort(new DeadlineError(10));
  await expect(waiting).rejects.toMatchObject({
    name: 'ResolveError',
    message: 'api.test cannot be resolved: no answer within 10 ms',
  });
});

test('untilAnswered() rejects with the reason of whoever gives up', async () => {
  const { attempt, startedAt } = attempts([down]);
  const giving = new AbortController();
  const waiting = untilAnswered('api.test', attempt, giving.signal);
  await expect.poll(() => startedAt).toHaveLength(1);
  giving.abort('gone');
  await expect(waiting).rejects.toBe('gone');
});

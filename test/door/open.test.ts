import { EventEmitter } from 'node:events';

import { expect, onTestFinished, test, vi } from 'vitest';

import { parseConfig } from '../../src/config/config.ts';
import type { LedRelay } from '../../src/door/listen.ts';
import { openDoor } from '../../src/door/open.ts';
import { foldRepeats } from '../../src/log/fold-repeats.ts';
import { testLog } from '../helpers/relay.ts';

/** A door whose only relay never ends what lives, as that of a thread that has crashed. */
async function openStuckDoor() {
  const never = Promise.withResolvers<never>().promise;
  const drain = vi.fn<LedRelay['relay']['drain']>(() => never);
  const stuck = { relay: { failed: never, drain } } as unknown as LedRelay;
  const config = parseConfig({ TARGET: '127.0.0.1', PORT: '443' });
  const door = await openDoor(config, {
    process: new EventEmitter() as NodeJS.Process,
    readConfig: () => config,
    listen: () => async () => stuck,
    log: foldRepeats(testLog()),
    additions: { find: () => ({ added: [], leftOut: [] }) },
    linesDropped: () => ({ budget: 0, output: 0 }),
  });
  return { door, drain };
}

test('close() waits 1 s for what lives to be reset, and no longer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], fakeNodeBuiltins: true });
  onTestFinished(() => void vi.useRealTimers());
  const { door, drain } = await openStuckDoor();
  let isClosed = false;
  const closing = door.close().then(() => (isClosed = true));
  expect(drain.mock.calls.map(([{ aborted }]) => aborted)).toEqual([true]);
  await vi.advanceTimersByTimeAsync(999);
  expect(isClosed).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(isClosed).toBe(true);
  await closing;
});

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { expect, onTestFinished, test, vi } from 'vitest';

import type { Status } from '../../src/control/protocol.ts';
import { openControl } from '../../src/control/server.ts';
import { temporaryDirectory } from '../helpers/program.ts';
import { until } from '../helpers/until.ts';

const TIMEOUT = 5_000;
const MAX_CONNECTIONS = 32;

/** A control socket that answers with the version alone; closed with the test. */
async function open(look: () => Promise<void> = async () => {}) {
  const answers = {
    status: () => ({ version: 'x' }) as Status,
    look,
    asked: () => expect.unreachable(),
    blackOut: () => expect.unreachable(),
  };
  const path = join(temporaryDirectory(), 'control.sock');
  const control = await openControl([path], answers, () => {});
  onTestFinished(() => control.close());
  /** Somebody who has something to ask, and says nothing so far. */
  return async (): Promise<Socket> => {
    const socket = connect({ path, allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
}

/** Asks; what is answered, which is nothing where it is not. */
const answerTo = (socket: Socket) => text(socket.end());

test('32 may ask at a time; one more is not answered', async () => {
  const dial = await open();
  const first: Socket[] = [];
  for (let i = 0; i < MAX_CONNECTIONS; i++) first.push(await dial());
  expect(await answerTo(await dial())).toBe('');
  for (const each of first) expect(JSON.parse(await answerTo(each))).toEqual({ version: 'x' });
  expect(JSON.parse(await answerTo(await dial()))).toEqual({ version: 'x' });
});

test.each([
  ['a request that does not end', false],
  ['an answer that does not come', true],
])('after 5 s %s is waited for no longer', async (_what, isAsked) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const looking = Promise.withResolvers<never>();
  const look = vi.fn<() => Promise<void>>(() => looking.promise);
  const dial = await open(look);
  const socket = await dial();
  if (isAsked) socket.end();
  const answered = text(socket);
  await until(() => vi.getTimerCount() === 1 && look.mock.calls.length === Number(isAsked));
  vi.advanceTimersByTime(TIMEOUT - 1);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1);
  expect(await answered).toBe('');
});

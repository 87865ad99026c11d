import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { BlackoutFlag } from '../../src/relay/blackout-flag.ts';
import { Blackout } from '../../src/runtime/blackout.ts';
import { testLog } from '../helpers/relay.ts';

const START = '2026-11-25T12:00:00.000Z';

beforeEach(() => void vi.useFakeTimers({ now: new Date(START) }));
afterEach(() => void vi.useRealTimers());

/** A switch whose relays note what they are told, and whether it was on by then. */
function opened() {
  const flag = new BlackoutFlag();
  const log = testLog();
  const told: unknown[] = [];
  const blackout = new Blackout({
    onOff: () => {},
    flag,
    clear: async (how) => void told.push([how, flag.isOn]),
    flushLog: async () => {
      await Promise.resolve();
      log.warn({}, 'what came before');
    },
    log,
  });
  const said = () => {
    const changes = log.lines.filter(({ message }) => message !== 'what came before');
    return changes.map(({ message, fields }) => [message, fields['by']]);
  };
  return { flag, blackout, told, said, log };
}

test('Blackout.switchTo() lets nobody in before what lives is ended', async () => {
  const { flag, blackout, told } = opened();
  await blackout.switchTo('on', { by: 'command' });
  await blackout.switchTo('draining', { by: 'command' });
  await blackout.switchTo('off', { by: 'SIGHUP' });
  expect(told).toEqual([
    ['cut', true],
    ['drain', true],
  ]);
  expect(flag.isOn).toBe(false);
});

test('Blackout.switchTo() logs who made the change, and when it ends', async () => {
  const { blackout, said } = opened();
  await blackout.switchTo('on', { by: 'start' });
  await blackout.switchTo('off', { by: 'SIGHUP' });
  await blackout.switchTo('draining', { by: 'command', duration: 1_000 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(said()).toEqual([
    ['blackout on', 'start'],
    ['blackout off', 'SIGHUP'],
    ['blackout draining', 'command'],
    ['blackout off', 'timer'],
  ]);
});

test('Blackout.switchTo() logs each change behind what came before it, in order', async () => {
  const { blackout, log } = opened();
  await Promise.all(
    (['on', 'off', 'draining'] as const).map((state) => blackout.switchTo(state, { by: 'command' })),
  );
  expect(log.lines.map(({ message }) => message)).toEqual(
    ['on', 'off', 'draining'].flatMap((state) => ['what came before', `blackout ${state}`]),
  );
});

test('Blackout.status tells since when and until when it is so; doing it again moves its end alone', async () => {
  const { blackout } = opened();
  expect(blackout.status).toEqual({ state: 'off', by: 'start', since: START, until: null });
  vi.advanceTimersByTime(1_000);
  await blackout.switchTo('on', { by: 'SIGUSR2' });
  const since = '2026-11-25T12:00:01.000Z';
  expect(blackout.status).toEqual({ state: 'on', by: 'SIGUSR2', since, until: null });
  vi.advanceTimersByTime(1_000);
  await blackout.switchTo('on', { by: 'command', duration: 30_000 });
  expect(blackout.status).toEqual({ state: 'on', by: 'command', since, until: '2026-11-25T12:00:32.000Z' });
  vi.advanceTimersByTime(29_999);
  expect(blackout.status.state).toBe('on');
  vi.advanceTimersByTime(1);
  expect(blackout.status).toEqual({
    state: 'off',
    by: 'timer',
    since: '2026-11-25T12:00:32.000Z',
    until: null,
  });
});

test.each(['on', 'off'] as const)(
  'Blackout.switchTo() has no earlier end take back a later %s',
  async (later) => {
    const { blackout, said } = opened();
    await blackout.switchTo('on', { by: 'command', duration: 1_000 });
    await blackout.switchTo(later, { by: 'command' });
    await blackout.switchTo('on', { by: 'command' });
    vi.advanceTimersByTime(10_000);
    expect(blackout.status).toMatchObject({ state: 'on', until: null });
    expect(said()).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
  },
);

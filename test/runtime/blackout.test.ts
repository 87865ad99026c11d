import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Gate } from '../../src/relay/gate.ts';
import { Blackout } from '../../src/runtime/blackout.ts';
import { testLog } from '../helpers/relay.ts';

const START = '2026-11-25T12:00:00.000Z';

beforeEach(() => void vi.useFakeTimers({ now: new Date(START) }));
afterEach(() => void vi.useRealTimers());

/** A switch whose relays note what they are told, and whether the gate was shut by then. */
function opened() {
  const gate = new Gate();
  const log = testLog();
  const told: unknown[] = [];
  const blackout = new Blackout({
    gate,
    clear: async (how) => void told.push([how, gate.isShut]),
    settleLog: async () => {
      await Promise.resolve();
      log.warn({}, 'what came before');
    },
    log,
  });
  const said = () => {
    const changes = log.lines.filter(({ message }) => message !== 'what came before');
    return changes.map(({ message, fields }) => [message, fields['by']]);
  };
  return { gate, blackout, told, said, log };
}

test('Blackout.turn() shuts the gate before what lives is ended', async () => {
  const { gate, blackout, told } = opened();
  await blackout.turn('on', { by: 'command' });
  await blackout.turn('draining', { by: 'command' });
  await blackout.turn('off', { by: 'SIGHUP' });
  expect(told).toEqual([
    ['cut', true],
    ['drain', true],
  ]);
  expect(gate.isShut).toBe(false);
});

test('Blackout.turn() logs who made the change, and when it ends', async () => {
  const { blackout, said } = opened();
  await blackout.turn('on', { by: 'start' });
  await blackout.turn('off', { by: 'SIGHUP' });
  await blackout.turn('draining', { by: 'command', duration: 1_000 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(said()).toEqual([
    ['blackout on', 'start'],
    ['blackout off', 'SIGHUP'],
    ['blackout draining', 'command'],
    ['blackout off', 'timer'],
  ]);
});

test('Blackout.turn() logs each change behind what came before it, in order', async () => {
  const { blackout, log } = opened();
  await Promise.all(
    (['on', 'off', 'draining'] as const).map((state) => blackout.turn(state, { by: 'command' })),
  );
  expect(log.lines.map(({ message }) => message)).toEqual(
    ['on', 'off', 'draining'].flatMap((state) => ['what came before', `blackout ${state}`]),
  );
});

test('Blackout.status tells since when and until when it is so; doing it again moves its end alone', async () => {
  const { blackout } = opened();
  expect(blackout.status).toEqual({ state: 'off', by: 'start', since: START, until: null });
  vi.advanceTimersByTime(1_000);
  await blackout.turn('on', { by: 'SIGUSR2' });
  const since = '2026-11-25T12:00:01.000Z';
  expect(blackout.status).toEqual({ state: 'on', by: 'SIGUSR2', since, until: null });
  vi.advanceTimersByTime(1_000);
  await blackout.turn('on', { by: 'command', duration: 30_000 });
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
  'Blackout.turn() has no earlier end take back a later %s',
  async (later) => {
    const { blackout, said } = opened();
    await blackout.turn('on', { by: 'command', duration: 1_000 });
    await blackout.turn(later, { by: 'command' });
    await blackout.turn('on', { by: 'command' });
    vi.advanceTimersByTime(10_000);
    expect(blackout.status).toMatchObject({ state: 'on', until: null });
    expect(said()).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
  },
);

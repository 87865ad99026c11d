import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';

import { LaneEnds } from '../../src/door/lane-ends.ts';
import { temporaryDirectory } from '../helpers/program.ts';
import { standIn } from '../helpers/stand-ins.ts';
import { until } from '../helpers/until.ts';

const LINGER = 5_000;
const ANY = '1929379840/4278190080';
const ofOne = (id: number) => `${1_929_379_840 + id}/4278222847`;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
});

/** Beside a stand-in for conntrack(8), which keeps what it is asked, and fails where that is as a pattern of sh(1) says. */
function open() {
  const directory = temporaryDirectory();
  const [asked, refused] = [join(directory, 'asked'), join(directory, 'refused')];
  const refuse = (pattern: string) => writeFileSync(refused, pattern);
  refuse('');
  writeFileSync(asked, '');
  standIn({ conntrack: `echo "$*" >>'${asked}'; case "$*" in $(cat '${refused}')) exit 3;; esac` });
  const onEnded = vi.fn<() => void>();
  const warn = vi.fn<() => void>();
  const onFailed = vi.fn<() => void>();
  const ends = new LaneEnds({ onEnded, onFailed, log: { warn } });
  /** As when the rules have been written. */
  const finish = () => ends.finish(ends.begin());
  return {
    ends,
    finish,
    onEnded,
    onFailed,
    warn,
    refuse,
    asked: () => readFileSync(asked, 'utf8').split('\n').filter(Boolean),
  };
}

test('sessions are forgotten at once, all of a lane or those to one address', async () => {
  const { ends, finish, asked, onEnded } = open();
  ends.endSessions(1);
  ends.endSessions(2, '192.0.2.1');
  ends.endSessions(2, '192.0.2.2');
  ends.endSessions(2);
  expect(ends.areOverdue).toBe(true);
  await finish();
  expect(asked()).toEqual([
    `-D --mark ${ofOne(1)} --proto udp`,
    `-D --mark ${ofOne(2)} --reply-src 192.0.2.1 --proto udp`,
    `-D --mark ${ofOne(2)} --reply-src 192.0.2.2 --proto udp`,
    `-D --mark ${ofOne(2)} --proto udp`,
  ]);
  expect(ends.areOverdue).toBe(false);
  expect(ends.ending).toEqual(new Set());
  expect(onEnded).not.toHaveBeenCalled();
});

test('connections end for 5 s, and are forgotten then', async () => {
  const { ends, finish, asked, onEnded } = open();
  ends.endConnections(7);
  ends.endConnections(7);
  expect([ends.ending, ends.isEnding(7), ends.isEnding(8)]).toEqual([new Set([7]), true, false]);
  await finish();
  vi.advanceTimersByTime(LINGER - 1);
  expect(ends.areOverdue).toBe(false);
  vi.advanceTimersByTime(1);
  await until(() => onEnded.mock.calls.length === 1);
  expect(asked()).toEqual([`-D --mark ${ofOne(7)} --proto tcp`]);
  expect([ends.ending, ends.isEnding(7)]).toEqual([new Set(), false]);
});

test('nothing is forgotten before there are rules by which it ends', async () => {
  const { ends, finish, asked } = open();
  const before = ends.begin();
  ends.endAll();
  ends.endSessions(3);
  await ends.finish(before);
  vi.advanceTimersByTime(2 * LINGER);
  expect([ends.ending, ends.areOverdue, asked()]).toEqual(['all', true, []]);
  await finish();
  expect(asked()).toHaveLength(2);
});

test('all that ends takes the place of what ended before', async () => {
  const { ends, finish, asked, onEnded } = open();
  ends.endConnections(7);
  await finish();
  vi.advanceTimersByTime(LINGER - 1);
  ends.endAll();
  ends.endConnections(8);
  expect([ends.ending, ends.isEnding(9)]).toEqual(['all', true]);
  await finish();
  expect(asked()).toEqual([`-D --mark ${ANY} --proto udp`]);
  vi.advanceTimersByTime(LINGER - 1);
  expect(ends.areOverdue).toBe(false);
  vi.advanceTimersByTime(1);
  await until(() => onEnded.mock.calls.length === 1);
  expect(asked().slice(1)).toEqual([`-D --mark ${ANY} --proto tcp`]);
  expect(ends.ending).toEqual(new Set());
  expect(vi.getTimerCount()).toBe(0);
});

test('what cannot be forgotten stays, is told of, and is tried again', async () => {
  const { ends, finish, asked, onEnded, onFailed, warn, refuse } = open();
  refuse('*');
  ends.endConnections(7);
  await finish();
  vi.advanceTimersByTime(LINGER);
  // By itself, behind the timer.
  await until(() => onFailed.mock.calls.length === 1);
  await finish();
  await finish();
  expect([ends.areOverdue, ends.isEnding(7)]).toEqual([true, true]);
  expect(warn).toHaveBeenCalledOnce();
  expect(onEnded).not.toHaveBeenCalled();
  refuse('');
  await finish();
  expect([ends.areOverdue, ends.isEnding(7)]).toEqual([false, false]);
  expect(onEnded).toHaveBeenCalledOnce();
  expect(asked().length).toBeGreaterThan(1);
});

test('what cannot be forgotten holds nothing else up, and is asked for once at a time', async () => {
  const { ends, finish, asked, warn, refuse } = open();
  const first = `-D --mark ${ofOne(1)} --proto udp`;
  const second = `-D --mark ${ofOne(2)} --proto udp`;
  refuse(first);
  ends.endSessions(1);
  ends.endSessions(2);
  await finish();
  expect(asked()).toEqual([first, second]);
  expect(ends.areOverdue).toBe(true);
  expect(warn).toHaveBeenCalledOnce();
  refuse('');
  await finish();
  expect(asked()).toEqual([first, second, first]);
  expect(ends.areOverdue).toBe(false);
});

test('what is to be forgotten while something else is, is forgotten with it', async () => {
  const { ends, finish, asked } = open();
  ends.endSessions(1);
  const first = finish();
  ends.endSessions(2);
  ends.endSessions(1);
  await Promise.all([first, finish()]);
  expect(ends.areOverdue).toBe(false);
  expect(asked().toSorted()).toEqual([
    `-D --mark ${ofOne(1)} --proto udp`,
    `-D --mark ${ofOne(1)} --proto udp`,
    `-D --mark ${ofOne(2)} --proto udp`,
  ]);
});

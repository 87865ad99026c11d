import { expect, test } from 'vitest';

import { Windows } from '../../../soak/judge/windows.ts';

const now = () => performance.now();

test('a window excuses what is under way within it, at its doors alone', () => {
  const windows = new Windows();
  const before = now();
  expect(windows.excuseFor('raw', { from: before, to: now() })).toBe(null);
  const close = windows.open({ fault: 'blackout', doors: ['raw'], excuse: 'failure', grace: 0 });
  expect(windows.excuseFor('raw', { from: before, to: now() })).toBe('blackout');
  expect(windows.excuseFor('names', { from: before, to: now() })).toBe(null);
  close();
  const after = now() + 1;
  expect(windows.excuseFor('raw', { from: before, to: after })).toBe('blackout');
  expect(windows.excuseFor('raw', { from: after, to: after + 1 })).toBe(null);
});

test('a window stays open for its grace', () => {
  const windows = new Windows();
  windows.open({ fault: 'blackout', doors: ['raw'], excuse: 'failure', grace: 60_000 })();
  expect(windows.excuseFor('raw', { from: now() + 59_000, to: now() + 59_001 })).toBe('blackout');
  expect(windows.excuseFor('raw', { from: now() + 61_000, to: now() + 61_001 })).toBe(null);
});

test('a window for old addresses excuses no failure, and one for failures both', () => {
  const windows = new Windows();
  windows.open({ fault: 'mute', doors: ['names'], excuse: 'staleness', grace: 0 });
  windows.open({ fault: 'reset', doors: ['raw'], excuse: 'failure', grace: 0 });
  const when = { from: now(), to: now() };
  expect(windows.excuseFor('names', when)).toBe(null);
  expect(windows.excuseFor('names', { ...when, what: 'staleness' })).toBe('mute');
  expect(windows.excuseFor('raw', { ...when, what: 'staleness' })).toBe('reset');
});

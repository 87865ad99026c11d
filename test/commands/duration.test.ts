import { expect, test } from 'vitest';

import { parseDuration } from '../../src/commands/duration.ts';
import { UsageError } from '../../src/lib/arguments.ts';

test.each([
  ['1ms', 1],
  ['500ms', 500],
  ['30s', 30_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['596h', 596 * 3_600_000],
])('parseDuration() reads %s as %i ms', (text, duration) => {
  expect(parseDuration(text)).toBe(duration);
});

test.each(['', '30', 's', '-1s', '1.5h', '0s', '1d', '1 s', '1s2', '597h', '1e3ms', '1S'])(
  'parseDuration() takes no %j',
  (text) => {
    expect(() => parseDuration(text)).toThrow(UsageError);
  },
);

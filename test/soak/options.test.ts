import { expect, test } from 'vitest';

import { parseOptions } from '../../soak/options.ts';

const draw = () => 42;

test('parseOptions() runs three minutes of a drawn seed by default', () => {
  expect(parseOptions([], draw)).toEqual({ minutes: 3, seed: 42, help: false });
  expect(parseOptions(['--minutes', '60', '--seed', '0'], draw)).toEqual({
    minutes: 60,
    seed: 0,
    help: false,
  });
});

test.for([
  [['--minutes', '0'], '--minutes=0 is not accepted: it takes a whole number from 1 to 10080'],
  [['--minutes', '1.5'], '--minutes=1.5 is not accepted: it takes a whole number from 1 to 10080'],
  [['--minutes', '10081'], '--minutes=10081 is not accepted: it takes a whole number from 1 to 10080'],
  [
    ['--seed', '4294967296'],
    '--seed=4294967296 is not accepted: it takes a whole number from 0 to 4294967295',
  ],
  [['--seed', 'x'], '--seed=x is not accepted: it takes a whole number from 0 to 4294967295'],
  [['--second', '5'], "Unknown option '--second'"],
] as const)('parseOptions() with %j says what is accepted', ([args, message]) => {
  expect(() => parseOptions(args, draw)).toThrow(message);
});

import { expect, test } from 'vitest';

import { parseOptions } from '../../bench/options.ts';

test('parseOptions() measures everything and writes it by default', () => {
  expect(parseOptions([])).toMatchObject({
    rounds: 5,
    peers: null,
    loads: null,
    isWhole: true,
    isWritten: true,
  });
});

test.for([['--quick'], ['--peers', 'nginx'], ['--loads', 'up'], ['--no-write']])(
  'parseOptions() with %s writes nothing',
  (args) => {
    expect(parseOptions(args).isWritten).toBe(false);
  },
);

test('parseOptions() takes what is given over what --quick says', () => {
  expect(parseOptions(['--quick', '--seconds', '7'])).toMatchObject({ rounds: 1, seconds: 7 });
});

test('parseOptions() splits a variant into its environment and its program', () => {
  const { variants } = parseOptions(['--variant', 'two:WORKERS=2,TARGET_SCOPE=any,PROGRAM=/a/b.js']);
  expect(variants).toEqual([{ name: 'two', env: { WORKERS: '2', TARGET_SCOPE: 'any' }, program: '/a/b.js' }]);
});

test.for([
  [['--rounds', '0'], '--rounds takes'],
  [['--seconds', '1.5'], '--seconds takes'],
  [['--variant', 'nothing'], '--variant takes'],
  [['--unknown'], "Unknown option '--unknown'"],
  [['stray'], "Unexpected argument 'stray'"],
] as const)('parseOptions() throws at %s', ([args, message]) => {
  expect(() => parseOptions(args)).toThrow(message);
});

test('parseOptions() keeps what is small apart from the loads', () => {
  expect(parseOptions(['--loads', 'up,small'])).toMatchObject({
    loads: ['up'],
    small: { image: 'sallyport' },
  });
  expect(parseOptions(['--loads', 'up']).small).toBeNull();
});

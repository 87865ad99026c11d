import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { readArguments } from '../scripts/fuzz/arguments.ts';
import { repository, run } from './helpers/run.ts';

const targets = ['one', 'other'];
const read = (...args: readonly string[]) => readArguments(args, targets);

test('npm run fuzz takes a target, minutes and a seed', () => {
  expect(read('one', '--minutes', '2.5', '--seed', '7')).toEqual({
    target: 'one',
    minutes: 2.5,
    seed: 7,
    keep: false,
  });
  const { minutes, seed, keep } = read('--keep', 'other');
  expect([minutes, keep]).toEqual([1, true]);
  expect(seed).toBeGreaterThanOrEqual(1);
});

test.each([
  [[], "'' is no target: it is one of one, other"],
  [['on'], "'on' is no target"],
  [['one', 'other'], "'one other' is no target"],
  [['one', '--minutes', '0'], '--minutes 0: it takes a number above 0'],
  [['one', '--minutes=-1'], '--minutes -1'],
  [['one', '--minutes', '1e3'], '--minutes 1e3'],
  [['one', '--seed', '0'], '--seed 0: it takes a whole number from 1 to 2147483647'],
  [['one', '--seed', '2147483648'], '--seed 2147483648'],
  [['one', '--seed', '1.5'], '--seed 1.5'],
  [['one', '--runs', '1'], "Unknown option '--runs'"],
])('npm run fuzz refuses %j', (args, message) => {
  expect(() => read(...args)).toThrow(message);
});

test('npm run fuzz answers an unknown target with those that there are, and does nothing', async () => {
  const { code, output } = await run(process.execPath, ['scripts/fuzz/run.ts', 'nothing']);
  const files = readdirSync(join(repository, 'scripts/fuzz/targets')).map((file) => file.replace('.ts', ''));
  expect(code).toBe(2);
  expect(output).toContain(`npm run fuzz: 'nothing' is no target: it is one of ${files.join(', ')}\n`);
});

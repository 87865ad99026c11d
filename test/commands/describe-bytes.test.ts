import { expect, test } from 'vitest';

import { describeBytes } from '../../src/commands/describe-bytes.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1 kB'],
  [1_549, '1.55 kB'],
  [999_499, '999 kB'],
  [999_500, '1 MB'],
  [12_345_678_901, '12.3 GB'],
  [5e15, '5000 TB'],
])('describeBytes() shows %d as %s', (bytes, shown) => {
  expect(describeBytes(bytes)).toBe(shown);
});

import { expect, test } from 'vitest';

import { digits, markdownTable } from '../../../bench/report/table.ts';

test('markdownTable() aligns words on the left and numbers on the right', () => {
  const rows = [
    ['', 'a', 'bcdef'],
    ['some', '1', '22'],
  ];
  expect(markdownTable(rows).split('\n')).toEqual([
    '|      |   a | bcdef |',
    '| ---- | --: | ----: |',
    '| some |   1 |    22 |',
  ]);
});

test('markdownTable() fills rows that are too short', () => {
  expect(markdownTable([['x', 'y'], ['z']])).toContain('| z   |     |');
});

test.for([
  [0, '0'],
  [0.012345, '0.0123'],
  [1.5, '1.5'],
  [12.345, '12.3'],
  [99.99, '100'],
  [123.456, '123'],
  [84_321.9, '84,322'],
] as const)('digits() writes %d as %s', ([value, text]) => {
  expect(digits(value)).toBe(text);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { replaceBetween } from '../../../bench/report/page.ts';

const page = 'Before.\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nAfter.\n';

test('replaceBetween() leaves all but what is between the markers', () => {
  expect(replaceBetween(page, '\nnew\n')).toBe(
    'Before.\n<!-- bench: begin -->\n\nnew\n\n<!-- bench: end -->\nAfter.\n',
  );
});

test('replaceBetween() changes nothing the second time', () => {
  const once = replaceBetween(page, 'new');
  expect(replaceBetween(once, 'new')).toBe(once);
});

test('replaceBetween() throws without markers, or with them the wrong way round', () => {
  expect(() => replaceBetween('nothing', 'new')).toThrow('lacks');
  expect(() => replaceBetween('<!-- bench: end --><!-- bench: begin -->', 'new')).toThrow('lacks');
});

test('replaceBetween() finds its markers in docs/performance.md', () => {
  const real = readFileSync(join(import.meta.dirname, '../../../docs/performance.md'), 'utf8');
  expect(replaceBetween(real, 'new')).toContain('new');
});

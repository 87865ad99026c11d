import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { replaceBetween } from '../../../bench/report/page.ts';
import { report, type Results, toJson } from '../../../bench/report/report.ts';
import results from '../../../bench/results.json' with { type: 'json' };

const read = (file: string) => readFileSync(join(import.meta.dirname, '../../..', file), 'utf8');
const stored = results as Results;

test('report() of bench/results.json is what docs/performance.md shows', () => {
  const page = read('docs/performance.md');
  expect(replaceBetween(page, report(stored))).toBe(page);
});

test('toJson() has a line for each peer and metric, and loses nothing that report() shows', () => {
  const json = toJson(stored);
  expect(json).toContain('\n      "upload": { "median": ');
  expect(report(JSON.parse(json) as Results)).toBe(report(stored));
});

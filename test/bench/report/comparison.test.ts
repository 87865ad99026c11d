import { expect, test } from 'vitest';

import { type Readings, relayMetrics, type Sample } from '../../../bench/metrics.ts';
import { comparison } from '../../../bench/report/comparison.ts';
import { summarizePeers } from '../../../bench/report/statistics.ts';

function compare(all: readonly Sample[]): string | null {
  const summaries = summarizePeers(all, ['haproxy', 'nginx', 'sallyport', 'dnsmasq']);
  return comparison(summaries, { metrics: relayMetrics, baselines: ['haproxy', 'sallyport'] });
}

function samples(peer: string, ...all: readonly Readings[]): readonly Sample[] {
  return all.map((readings, index) => ({ load: 'up', peer, round: index + 1, readings }));
}

/** The cells of each row, the head's and the rule's left out. */
function cells(table: string | null): readonly (readonly string[])[] {
  const rows = table?.split('\n').slice(2) ?? [];
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

test('comparison() has the median, the spread and the ratio of medians to each baseline', () => {
  const all = [
    ...samples('haproxy', { upload: 8 }, { upload: 10 }, { upload: 9 }),
    ...samples('sallyport', { upload: 18 }, { upload: 3 }, { upload: 20 }),
  ];
  expect(cells(compare(all))).toEqual([
    ['**bulk upload**, Gbit/s', '9 (8–10)', '18 (3–20)'],
    ['÷ haproxy', '1.00', '2.00'],
    ['÷ sallyport', '0.50', '1.00'],
  ]);
});

test('comparison() shows what a peer cannot do as missing, and leaves out whom nobody measured', () => {
  const all = [...samples('haproxy', { upload: 8 }), ...samples('sallyport', { upload: 4, datagrams: 50 })];
  expect(compare(all)).not.toContain('nginx');
  expect(cells(compare(all)).slice(3)).toEqual([
    ['**UDP datagrams of 64 B, loss < 1 %**, 1/s', '–', '50'],
    ['÷ sallyport', '–', '1.00'],
  ]);
});

test('comparison() has only the metrics that are asked for, and the peers that they were measured by', () => {
  const all = [...samples('haproxy', { upload: 8 }), ...samples('sallyport', { upload: 4, dnsAnswers: 50 })];
  const whole = [...all, ...samples('dnsmasq', { dnsAnswers: 100 })];
  expect(compare(whole)).toBe(compare(all));
  expect(compare(all)).not.toContain('DNS');
});

test('comparison() makes nothing of no samples', () => {
  expect(compare([])).toBeNull();
});

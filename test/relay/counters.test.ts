import { expect, test } from 'vitest';

import { Counters, newCounterCells, sumCounts } from '../../src/relay/counters.ts';
import { Meter } from '../../src/relay/meter.ts';
import { NameCounters, sumNameCounts } from '../../src/relay/name-counters.ts';
import { RULES } from '../../src/wire/refusal.ts';

test('counters keep apart what they count, each refusal by its reason', () => {
  const counters = new Counters();
  counters.opened();
  for (let i = 0; i < 2; i++) counters.unanswered();
  counters.sent(30);
  counters.received(400);
  for (const rule of RULES) counters.refused(rule);
  counters.refused('source not allowed');
  counters.refused('target unreachable');
  counters.connected(2_000);
  expect(sumCounts([counters.cells])).toMatchObject({
    opened: 1,
    unanswered: 2,
    sent: 30,
    received: 400,
    refused: {
      ...Object.fromEntries(RULES.map((rule) => [rule, 1])),
      'source not allowed': 1,
      'target unreachable': 1,
    },
    connect: { count: 1, sum: 2 },
  });
});

test('sumCounts() adds up what several threads have counted', () => {
  const threads = [newCounterCells(), newCounterCells()];
  for (const cells of threads) {
    const counters = new Counters(cells);
    counters.sent(5);
    counters.refused('silent');
    counters.connected(1_000);
  }
  expect(sumCounts(threads)).toMatchObject({
    opened: 0,
    sent: 10,
    refused: { silent: 2 },
    connect: { count: 2, sum: 2 },
  });
});

test('a meter counts bytes for its connection, for its port and for the name of its target', () => {
  const counters = new Counters();
  const names = [new NameCounters(), new NameCounters()] as const;
  const [one, other] = [new Meter(counters, names[0]), new Meter(counters, names[1])];
  one.addSent(5);
  one.addSent(2);
  other.addSent(1);
  other.addReceived(6);
  expect([one.sent, one.received, other.sent, other.received]).toEqual([7, 0, 1, 6]);
  expect(sumCounts([counters.cells])).toMatchObject({ sent: 8, received: 6 });
  expect(sumNameCounts([names[0].cells])).toMatchObject({ sent: 7, received: 0 });
  expect(sumNameCounts([names[1].cells])).toMatchObject({ sent: 1, received: 6 });
});

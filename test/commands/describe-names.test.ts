import { expect, test } from 'vitest';

import { describeNames } from '../../src/commands/describe-names.ts';
import type { AskedName, Outcome } from '../../src/control/asked-names.ts';

const NONE = { times: 0, first: null, last: null, connections: 0, sent: 0, received: 0, outcomes: [] };
const outcome = (decision: Outcome['decision'], rule: string | null, times: number): Outcome => ({
  decision,
  rule,
  times,
});

test('describeNames() lists names in columns, and counts the rest', () => {
  const first = '2026-01-01T10:00:00.123Z';
  const last = '2026-01-01T10:00:09.999Z';
  const once = { ...NONE, times: 1, first, last: first };
  const names: readonly AskedName[] = [
    {
      ...NONE,
      name: 'api.test',
      to: null,
      port: 443,
      protocol: 'tcp',
      times: 5,
      first,
      last,
      sent: 1_500,
      received: 20,
      outcomes: [outcome('allowed', null, 3), outcome('refused', 'encrypted name', 2)],
    },
    {
      ...once,
      name: '2001:db8::1',
      to: 22,
      port: 3128,
      protocol: 'tcp',
      outcomes: [outcome('would refuse', 'not in TARGET', 1)],
    },
    {
      ...once,
      name: 'x.test',
      to: null,
      port: 53,
      protocol: 'dns',
      outcomes: [outcome('learned', null, 1)],
    },
  ];
  const others = { ...NONE, times: 7, outcomes: [outcome('refused', 'not in TARGET', 7)] };
  expect(describeNames({ names, others })).toEqual([
    'NAME              PORT    TIMES  FIRST                 LAST                  SENT    RECEIVED  OUTCOME',
    'api.test          443     5      2026-01-01T10:00:00Z  2026-01-01T10:00:09Z  1.5 kB  20 B      allowed 3 times, refused 2 times: encrypted name',
    '[2001:db8::1]:22  3128    1      2026-01-01T10:00:00Z  2026-01-01T10:00:00Z  0 B     0 B       would refuse: not in TARGET',
    'x.test            53/dns  1      2026-01-01T10:00:00Z  2026-01-01T10:00:00Z  0 B     0 B       learned',
    'and others, 7 times: refused: not in TARGET',
  ]);
  expect(describeNames({ names, others: NONE })).toHaveLength(4);
});

test('describeNames() says where there is nothing to tell yet', () => {
  expect(describeNames({ names: [], others: NONE })).toEqual(['no name has been asked for yet']);
});

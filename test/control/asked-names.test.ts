import { expect, test } from 'vitest';

import { AskedNames, isToBeListed, trafficByName } from '../../src/control/asked-names.ts';
import type { Standing } from '../../src/lib/standing.ts';
import { type AskedAt, NameCounters } from '../../src/relay/name-counters.ts';
import { MAX_NAMES } from '../../src/relay/name-table.ts';
import { testLog } from '../helpers/relay.ts';

const WEB = { port: 443, protocol: 'tcp' } as const;
const DNS = { port: 53, protocol: 'dns' } as const;

function namesAsked() {
  const log = testLog();
  const names = new AskedNames(log);
  return {
    log,
    names,
    refuse: (
      name: string | null,
      {
        rule = 'not in TARGET',
        times = 1,
        decision = 'refused',
      }: { rule?: string; times?: number; decision?: 'refused' | 'would refuse' } = {},
    ) => {
      const reason = `${name} is ${rule}`;
      names.log.warn({ ...WEB, client: '10.0.0.2:5', name, rule, reason, decision }, decision, times);
    },
    /** Another thread counts. */
    count: (asked: string, standing: Standing = 'listed', where: Omit<AskedAt, 'asked'> = WEB) => {
      const counters = new NameCounters();
      names.count({ of: { asked, ...where }, standing, cells: counters.cells });
      return counters;
    },
    /** What became of each name. */
    outcomes: () =>
      names
        .report()
        .names.map(({ name, outcomes }) => [
          name,
          outcomes.map(({ decision, rule, times }) => [decision, rule, times]),
        ]),
  };
}

test('AskedNames adds up what threads count of a name, and what the log says of it', () => {
  const { log, names, refuse, count, outcomes } = namesAsked();
  const threads = [count('api.test'), count('api.test')];
  for (const counters of threads) {
    counters.opened();
    counters.sent(100);
    counters.received(20);
  }
  refuse('API.test.', { rule: 'encrypted name', times: 3 });
  refuse('evil.test');
  refuse(null, { rule: 'no name' });
  expect(outcomes()).toEqual([
    [
      'api.test',
      [
        ['allowed', null, 2],
        ['refused', 'encrypted name', 3],
      ],
    ],
    ['evil.test', [['refused', 'not in TARGET', 1]]],
  ]);
  const { names: rows, others } = names.report();
  expect(rows[0]).toMatchObject({ ...WEB, to: null, times: 5, connections: 2, sent: 200, received: 40 });
  expect(rows[1]).toMatchObject({ times: 1, connections: 0, sent: 0, received: 0 });
  for (const { first, last } of rows) {
    expect(Date.now() - Date.parse(first ?? '')).toBeLessThan(60_000);
    expect(Date.parse(last ?? '')).toBeGreaterThanOrEqual(Date.parse(first ?? ''));
  }
  expect(others).toMatchObject({ times: 0, first: null, last: null, outcomes: [] });
  expect(log.lines).toHaveLength(3);
});

test('AskedNames tells the port that a forward proxy was asked for, and of an address too', () => {
  const { names, refuse } = namesAsked();
  for (const asked of ['api.test:8443', '[2001:DB8::1]:443', '2001:db8::2', '192.0.2.1:22', 'api.test.:80'])
    refuse(asked);
  expect(names.report().names.map(({ name, to }) => [name, to])).toEqual([
    ['192.0.2.1', 22],
    ['2001:db8::1', 443],
    ['2001:db8::2', null],
    ['api.test', 80],
    ['api.test', 8443],
  ]);
});

test('AskedNames shows no name that a terminal obeys, and no two that look alike', () => {
  const { names, refuse } = namesAsked();
  refuse('\u001b[2Ja.test', { times: 2 });
  refuse('\\u001b[2ja.test', { times: 3 });
  expect(names.report().names.map(({ name, times }) => [name, times])).toEqual([['\\u001b[2ja.test', 5]]);
});

test('AskedNames keeps 1,000 names, counts the rest, and has room for whatever is allowed', () => {
  const { names, refuse, count } = namesAsked();
  for (let i = 0; i < 2 * MAX_NAMES; i++) refuse(`${i}.made-up.test`);
  expect(names.report().names).toHaveLength(MAX_NAMES);
  expect(names.report().others).toMatchObject({
    times: MAX_NAMES,
    outcomes: [{ decision: 'refused', rule: 'not in TARGET', times: MAX_NAMES }],
  });

  for (let i = 0; i < 2 * MAX_NAMES; i++) count(`${i}.wild.test`, 'below').opened();
  names.noteQuestion({ asked: 'api.test', ...DNS }, 'listed');
  const listed = count('api.test');
  listed.opened();
  listed.sent(9);
  const { names: rows, others } = names.report();
  expect(rows).toHaveLength(MAX_NAMES);
  expect(rows.filter(({ name }) => name === 'api.test')).toMatchObject([
    { port: 53, protocol: 'dns', times: 1 },
    { port: 443, protocol: 'tcp', times: 1, sent: 9 },
  ]);
  expect(rows.filter(({ name }) => name.includes('made-up'))).toEqual([]);
  // Nothing is lost that was counted.
  expect(others.outcomes).toEqual([
    { decision: 'allowed', rule: null, times: MAX_NAMES + 2 },
    { decision: 'refused', rule: 'not in TARGET', times: 2 * MAX_NAMES },
  ]);
  expect(rows.reduce((sum, { connections }) => sum + connections, others.connections)).toBe(
    2 * MAX_NAMES + 1,
  );
});

test('AskedNames goes on counting among the rest what has made room', () => {
  const { names, count } = namesAsked();
  const [first] = Array.from({ length: MAX_NAMES }, (_, i) => count(`${i}.wild.test`, 'below'));
  first?.opened();
  first?.sent(1);
  count('api.test').opened();
  expect(names.report().others).toMatchObject({ connections: 1, sent: 1 });
  first?.sent(1);
  expect(names.report().others).toMatchObject({ connections: 1, sent: 2 });
  // What is listed no longer gives its place to nobody but what is.
  for (let i = 0; i < MAX_NAMES; i++) count(`${i}.listed.test`).opened();
  expect(names.report().names.map(({ name }) => name)).toContain('api.test');
});

test('AskedNames has names that are relayed to before those that DNS alone is asked for', () => {
  const { names, count } = namesAsked();
  for (let i = 0; i < 2 * MAX_NAMES; i++)
    names.noteQuestion({ asked: `${i}.made-up.test`, ...DNS }, 'learned');
  count('real.test', 'learned').opened();
  const { names: rows, others } = names.report();
  expect(rows).toHaveLength(MAX_NAMES);
  expect(rows.find(({ name }) => name === 'real.test')).toMatchObject({ connections: 1 });
  expect(others.outcomes).toEqual([{ decision: 'learned', rule: null, times: MAX_NAMES + 1 }]);
});

test('AskedNames keeps a name that was refused before it was listed', () => {
  const { names, refuse, count } = namesAsked();
  refuse('api.test');
  count('api.test').opened();
  for (let i = 0; i < 2 * MAX_NAMES; i++) count(`${i}.wild.test`, 'below').opened();
  expect(names.report().names.find(({ name }) => name === 'api.test')).toMatchObject({
    times: 2,
    outcomes: [{ decision: 'allowed' }, { decision: 'refused' }],
  });
});

test('isToBeListed() is true of what another TARGET would let through, and of what was learned', () => {
  const { names, refuse, count } = namesAsked();
  refuse('a.test');
  refuse('b.test:8443', { rule: 'not in PORT' });
  refuse('c.test', { rule: 'encrypted name' });
  count('d.test').opened();
  count('e.test', 'learned').opened();
  names.noteQuestion({ asked: 'f.test', ...DNS }, 'learned');
  names.log.warn(
    { ...WEB, client: 'c', name: 'g.test', rule: 'not in TARGET', reason: '', decision: 'would refuse' },
    'would refuse',
  );
  const missing = names.report().names.filter(isToBeListed);
  expect(missing.map(({ name }) => name)).toEqual(['a.test', 'b.test', 'e.test', 'g.test']);
});

test('trafficByName() adds up all ports of a name as it is listed', () => {
  const { names, count, refuse } = namesAsked();
  for (const [asked, port] of [
    ['api.test', 443],
    ['api.test', 80],
    ['api.test:443', 3128],
    ['other.test', 443],
  ] as const) {
    const counters = count(asked, 'listed', { port, protocol: 'tcp' });
    counters.opened();
    counters.sent(port);
    counters.received(1);
  }
  refuse('api.test', { rule: 'encrypted name', times: 2 });
  refuse('api.test:8443', { rule: 'not in PORT' });
  refuse('api.test', { rule: 'several names', decision: 'would refuse' });
  refuse('other.test', { times: 7 });
  const trafficOf = trafficByName(names.report());
  expect(trafficOf('API.test.')).toEqual({ connections: 3, sent: 443 + 80 + 3128, received: 3, refused: 3 });
  expect(trafficOf('other.test')).toMatchObject({ connections: 1, refused: 7 });
  expect(trafficOf('none.test')).toEqual({ connections: 0, sent: 0, received: 0, refused: 0 });
});

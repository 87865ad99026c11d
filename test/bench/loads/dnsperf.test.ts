import { expect, test } from 'vitest';

import { answersOf, latenciesOf } from '../../../bench/loads/dnsperf.ts';

/** As dnsperf 2.10 prints it. */
const statistics = (sent: number, answered: number) => `
Statistics:

  Queries sent:         ${sent}
  Queries completed:    ${sent - 1} (99.90%)
  Queries lost:         1 (0.10%)

  Response codes:       NOERROR ${answered} (100.00%)
  Average packet size:  request 31, response 47
  Run time (s):         2.000000
`;

const lines = (latencies: readonly number[]) =>
  latencies.map((each) => `> NOERROR n1.bench.test A ${each.toFixed(6)}\n`).join('');

test('answersOf() counts answers without an error', () => {
  expect(answersOf(statistics(1000, 999))).toEqual({ answers: 999, perSecond: 499.5 });
});

test.for([
  ['more than one in a thousand has failed', statistics(1000, 998), '998 of 1000'],
  ['there is none', statistics(0, 0), '0 of 0'],
  ['dnsperf tells none', '', 'NaN of NaN'],
] as const)('answersOf() throws where %s', ([, output, message]) => {
  expect(() => answersOf(output)).toThrow(message);
});

test('latenciesOf() sorts what dnsperf tells of each question, without the burst at its start', () => {
  const burst = Array.from({ length: 500 }, () => 1);
  const output = lines([...burst, ...Array.from({ length: 101 }, (_, i) => (100 - i) / 1000)]);
  expect(latenciesOf(output)).toEqual({ p50: 50_000, p99: 99_000 });
});

test.for(['> T n1.bench.test A\n', '> NXDOMAIN n1.bench.test A 0.000050\n'])(
  'latenciesOf() throws at too many of %j',
  (failed) => {
    const answered = lines(Array.from({ length: 999 }, () => 0.001));
    expect(latenciesOf(`${answered}${failed}`)).toEqual({ p50: 1_000, p99: 1_000 });
    expect(() => latenciesOf(`${answered}${failed}${failed}`)).toThrow('999 of 1001');
  },
);

import { expect, onTestFinished, test, vi } from 'vitest';

import { type AskedAt, NameCounters, sumNameCounts } from '../../src/relay/name-counters.ts';
import { type Counted, MAX_NAMES, NameTable } from '../../src/relay/name-table.ts';

const at = (asked: string, more: Partial<AskedAt> = {}): AskedAt => ({
  asked,
  port: 443,
  protocol: 'tcp',
  ...more,
});

/** A table, and what it has told of. */
function tableOfNames() {
  const told: Counted[] = [];
  return { table: new NameTable((counted) => told.push(counted)), told };
}

test('NameTable counts a name at each port and protocol apart, and tells of each once', () => {
  const { table, told } = tableOfNames();
  const places = [at('a.test'), at('a.test', { port: 80 }), at('a.test', { protocol: 'udp' }), at('b.test')];
  for (let i = 0; i < 2; i++)
    for (const [index, place] of places.entries()) table.of(place, 'listed').sent(10 ** index);
  expect(told.map(({ of }) => of)).toEqual(places);
  expect(told.map(({ cells }) => sumNameCounts([cells]).sent)).toEqual([2, 20, 200, 2_000]);
});

test.each(['below', 'learned'] as const)(
  'NameTable has room for listed names, whatever names are made up (%s), and counts the rest together',
  (standing) => {
    const { table, told } = tableOfNames();
    for (let i = 0; i < 2 * MAX_NAMES; i++) table.of(at(`${i}.made-up.test`), standing).opened();
    table.of(at('api.test'), 'listed').opened();
    const counts = told.map(({ of, cells }) => [of?.asked, sumNameCounts([cells]).connections]);
    expect(counts).toHaveLength(MAX_NAMES + 2);
    expect(counts.slice(-3)).toEqual([
      [`${MAX_NAMES - 1}.made-up.test`, 1],
      [undefined, MAX_NAMES],
      ['api.test', 1],
    ]);
  },
);

test('sumNameCounts() adds up what several threads have counted, and knows the first and the last time', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const threads = [new NameCounters(), new NameCounters(), new NameCounters()] as const;
  for (const [time, thread] of [
    [2_000, 0],
    [1_000, 1],
    [4_000, 0],
    [3_000, 1],
  ] as const) {
    vi.setSystemTime(time);
    threads[thread]?.opened();
    threads[thread]?.sent(5);
    threads[thread]?.received(7);
  }
  expect(sumNameCounts(threads.map(({ cells }) => cells))).toEqual({
    connections: 4,
    sent: 20,
    received: 28,
    first: 1_000,
    last: 4_000,
  });
  expect(sumNameCounts([threads[2].cells])).toMatchObject({ connections: 0, first: 0, last: 0 });
});

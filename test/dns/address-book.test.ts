import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { AddressBook } from '../../src/dns/address-book.ts';
import type { AddressRecord, Answer } from '../../src/dns/resolver.ts';
import { atMost } from '../../src/lib/at-most.ts';
import { ResolveError } from '../../src/lib/resolve-error.ts';
import { testLog } from '../helpers/relay.ts';

const { signal } = new AbortController();
const record = (address: string, ttl = 60): AddressRecord => ({ address, family: 4, ttl });
const one = record('192.0.2.1');
const two = record('192.0.2.2');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A book whose answers are given one by one; the last one stays. */
function openScripted(
  script: readonly (readonly AddressRecord[] | Answer | Error)[],
  { refresh = true } = {},
) {
  const log = testLog();
  const askedAt: number[] = [];
  const ask = async () => {
    const answer = script[Math.min(askedAt.length, script.length - 1)];
    askedAt.push(performance.now());
    if (answer instanceof Error) throw answer;
    return Array.isArray(answer) ? { records: answer, leftOut: 0, unknown: [] } : (answer as Answer);
  };
  const book = new AddressBook(
    { name: 'api.test', ask },
    { refresh, limited: atMost(1), onChange: () => {}, log },
  );
  const addresses = async () => (await book.addresses(signal)).map(({ address }) => address);
  return { book, log, askedAt, addresses, close: () => book.close(new Error('closed')) };
}

test('the book asks at once, and again before the TTL ends', async () => {
  const { askedAt, addresses } = openScripted([[one], [two]]);
  expect(await addresses()).toEqual([one.address]);
  await vi.advanceTimersByTimeAsync(44_000);
  expect(askedAt).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(11_000);
  expect(askedAt).toHaveLength(2);
  expect(await addresses()).toEqual([two.address]);
});

test.each([
  [0, 5],
  [1, 5],
  [100_000, 3_600],
])('a TTL of %d s is taken as %d s', async (ttl, taken) => {
  const { book, askedAt } = openScripted([[record('192.0.2.1', ttl)]]);
  await book.addresses(signal);
  expect(book.status().ttl).toBe(taken);
  await vi.advanceTimersByTimeAsync(taken * 740);
  expect(askedAt).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(taken * 170);
  expect(askedAt).toHaveLength(2);
});

test('the shortest TTL of an answer counts', async () => {
  const { book } = openScripted([[record('192.0.2.1', 300), record('192.0.2.2', 20)]]);
  await book.addresses(signal);
  expect(book.status().ttl).toBe(20);
});

test('a failure keeps the last good answer, is said once, and so is its end; retries slow down to 30 s', async () => {
  const failure = new Error('DNS is down');
  const { book, log, askedAt, addresses } = openScripted([
    [one],
    ...Array.from({ length: 8 }, () => failure),
    [one],
  ]);
  await addresses();
  await vi.advanceTimersByTimeAsync(54_000);
  expect(await addresses()).toEqual([one.address]);
  expect(book.status()).toMatchObject({ addresses: [one.address], problem: 'DNS is down', age: 54 });

  await vi.advanceTimersByTimeAsync(150_000);
  const pauses = askedAt.slice(1).map((at, i) => Math.round((at - (askedAt[i] ?? 0)) / 1_000));
  expect(pauses.slice(1)).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
  expect(log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
    'the name cannot be resolved; still trying',
  ]);
  expect(log.lines.filter(({ message }) => message === 'the name can be resolved again')).toHaveLength(1);
  expect(book.status().problem).toBe(null);
});

test('addresses() waits for the first answer, or for its signal', async () => {
  const { book, addresses } = openScripted([[one]]);
  const waiting = addresses();
  await expect(book.addresses(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  expect(await waiting).toEqual([one.address]);
});

test('while there is no answer, whoever wants one asks anew, at most once a second, one question for all', async () => {
  const down = new Error('DNS is down');
  const { askedAt, addresses } = openScripted([down, down, down, [one]]);
  await expect(addresses()).rejects.toThrow('DNS is down');
  // The book itself asks after 1 s, and then not for another 2.
  await vi.advanceTimersByTimeAsync(1_000);
  expect(askedAt).toHaveLength(2);

  await vi.advanceTimersByTimeAsync(500);
  const failing = addresses().catch(String);
  await vi.advanceTimersByTimeAsync(499);
  expect(askedAt).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(askedAt).toHaveLength(3);
  expect(await failing).toBe('Error: DNS is down');

  const waiting = [addresses(), addresses()];
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await Promise.all(waiting)).toEqual([[one.address], [one.address]]);
  expect(askedAt).toHaveLength(4);
});

test('a definite failure is told at once for a second, and asked about anew after that', async () => {
  const gone = new ResolveError('api.test does not exist (NXDOMAIN)', { isFinal: true });
  const { askedAt, addresses } = openScripted([gone, gone, [one]]);
  await expect(addresses()).rejects.toBe(gone);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(askedAt).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(999);
  await expect(addresses()).rejects.toBe(gone);
  expect(askedAt).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(await addresses()).toEqual([one.address]);
  expect(askedAt).toHaveLength(3);
});

test('addresses() with fresh asks again, but at most once a second, one question for all', async () => {
  const { book, askedAt } = openScripted([[one], [two], [one]]);
  await book.addresses(signal);
  const waiting = [book.addresses(signal, { fresh: true }), book.addresses(signal, { fresh: true })];
  await vi.advanceTimersByTimeAsync(900);
  expect(askedAt).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(await Promise.all(waiting)).toEqual([[two], [two]]);
  expect(askedAt).toHaveLength(2);
});

test('without refresh the first answer stays', async () => {
  const { book, askedAt, addresses } = openScripted([new Error('DNS is down'), [one], [two]], {
    refresh: false,
  });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await addresses()).toEqual([one.address]);
  await vi.advanceTimersByTimeAsync(10_000_000);
  await book.addresses(signal, { fresh: true });
  expect(await addresses()).toEqual([one.address]);
  expect(askedAt).toHaveLength(2);
});

test('a closed book asks no more', async () => {
  const { askedAt, addresses, close } = openScripted([[one]]);
  await addresses();
  close();
  await vi.advanceTimersByTimeAsync(10_000_000);
  expect(askedAt).toHaveLength(1);
});

test('of a family that nobody could tell about, the last good addresses stay, and it is asked for again soon', async () => {
  const v6: AddressRecord = { address: '2001:db8::1', family: 6, ttl: 60 };
  const { book, askedAt, addresses } = openScripted([
    [one, v6],
    { records: [two], leftOut: 0, unknown: [6] },
    [two],
  ]);
  await addresses();
  while (askedAt.length < 2) await vi.advanceTimersByTimeAsync(1_000);
  expect(await addresses()).toEqual([two.address, v6.address]);
  expect(book.status().ttl).toBe(5);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(askedAt).toHaveLength(3);
  expect(await addresses()).toEqual([two.address]);
});

test('the book keeps 32 addresses, also with those of a family that nobody could tell about, and counts the others', async () => {
  const many = (family: 4 | 6): readonly AddressRecord[] =>
    Array.from({ length: 32 }, (_, i) => ({
      address: family === 4 ? `192.0.2.${i}` : `2001:db8::${i}`,
      family,
      ttl: 60,
    }));
  const { book, askedAt, addresses } = openScripted([
    many(6),
    { records: many(4), leftOut: 100, unknown: [6] },
  ]);
  expect(await addresses()).toHaveLength(32);
  expect(book.status().leftOut).toBe(0);
  while (askedAt.length < 2) await vi.advanceTimersByTimeAsync(1_000);
  const kept = await addresses();
  expect([kept.filter((address) => address.includes(':')).length, kept.length]).toEqual([16, 32]);
  expect(book.status().leftOut).toBe(132);
});

test('the tail of a cached answer is asked for anew as soon as it is over, and a short TTL only now and then', async () => {
  const { askedAt } = openScripted([
    [record('192.0.2.1', 60)],
    [record('192.0.2.1', 2)],
    [record('192.0.2.2', 2)],
  ]);
  while (askedAt.length < 4) await vi.advanceTimersByTimeAsync(10);
  const pauses = askedAt.slice(1).map((at, i) => at - (askedAt[i] ?? 0));
  expect(pauses[1]).toBeCloseTo(2_000, -2);
  expect(pauses[2]).toBeGreaterThanOrEqual(3_750);
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Sources } from '../../src/dns/sources.ts';
import { a, countQuestions, type Script, scriptedServer, zone } from '../helpers/dns.ts';
import { testLog } from '../helpers/relay.ts';
import { until } from '../helpers/until.ts';

const KEPT_FOR = 600_000;
const MAX_KEPT = 256;
const { signal } = new AbortController();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Sources that ask the container's own resolver, which costs nothing until an address is wanted. */
function systemSources(listed: readonly string[] = []) {
  const sources = new Sources({
    nameservers: [{ text: 'system', protocol: 'system' }],
    keep: false,
    refresh: true,
    scope: 'any',
    log: testLog(),
    signal,
  });
  sources.follow(listed);
  return sources;
}

/** Sources that ask scripted nameservers. */
async function sourcesBy(listed: readonly string[], ...scripts: readonly Script[]) {
  const servers = await Promise.all(scripts.map((script) => scriptedServer(script)));
  const closing = new AbortController();
  const sources = new Sources({
    nameservers: servers.map(({ address, port }) => ({ text: `${port}`, protocol: 'udp', address, port })),
    keep: true,
    refresh: true,
    scope: 'any',
    log: testLog(),
    signal: closing.signal,
  });
  sources.follow(listed);
  const asked = (index: number, name: string) => {
    const queries = servers[index]?.queries.filter(
      ({ questions }) =>
        questions?.[0]?.type === 'A' && questions[0].name.toLowerCase() === name.toLowerCase(),
    );
    return countQuestions(queries ?? []);
  };
  return { sources, asked, close: () => closing.abort() };
}

test('a listed name has one source, which is asked for at the start and stays', async () => {
  const { sources, asked } = await sourcesBy(['a.test', 'b.test'], zone([a('a.test', '127.0.0.1')]));
  await until(() => asked(0, 'a.test') > 0 && asked(0, 'b.test') > 0);
  const source = sources.of('a.test');
  expect(await source.addresses(signal)).toMatchObject([{ address: '127.0.0.1' }]);
  await vi.advanceTimersByTimeAsync(10 * KEPT_FOR);
  expect(sources.of('a.test')).toBe(source);
  expect(sources.status().map(({ name }) => name)).toEqual(['a.test', 'b.test']);
});

test('another name is asked for when it is first wanted, and its source kept', async () => {
  const { sources, asked } = await sourcesBy(
    ['a.test'],
    zone([a('a.test', '127.0.0.1'), a('x.a.test', '127.0.0.2')]),
  );
  await sources.of('a.test').addresses(signal);
  expect(asked(0, 'x.a.test')).toBe(0);
  const source = sources.of('x.a.test');
  expect(await source.addresses(signal)).toMatchObject([{ address: '127.0.0.2' }]);
  expect(sources.of('x.a.test')).toBe(source);
  expect(asked(0, 'x.a.test')).toBe(1);
  expect(sources.status()).toMatchObject([
    { name: 'a.test', addresses: ['127.0.0.1'], problem: null },
    { name: 'x.a.test', addresses: ['127.0.0.2'], problem: null },
  ]);
});

test('another name is closed when it has not been wanted for ten minutes, and opened anew', () => {
  const sources = systemSources(['a.test']);
  const source = sources.of('x.a.test');
  vi.advanceTimersByTime(KEPT_FOR - 1);
  expect(sources.of('x.a.test')).toBe(source);
  vi.advanceTimersByTime(KEPT_FOR - 1);
  expect(sources.status().map(({ name }) => name)).toEqual(['a.test', 'x.a.test']);
  vi.advanceTimersByTime(1);
  expect(sources.status().map(({ name }) => name)).toEqual(['a.test']);
  expect(sources.of('x.a.test')).not.toBe(source);
  vi.advanceTimersByTime(KEPT_FOR);
  expect(vi.getTimerCount()).toBe(0);
});

test('a name that is closed is not asked for any more', async () => {
  const { sources, asked } = await sourcesBy([], zone([a('x.test', '127.0.0.1', 5)]));
  await sources.of('x.test').addresses(signal);
  await vi.advanceTimersByTimeAsync(4_600);
  await until(() => asked(0, 'x.test') === 2);
  await vi.advanceTimersByTimeAsync(KEPT_FOR);
  const before = asked(0, 'x.test');
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(KEPT_FOR);
  expect(asked(0, 'x.test')).toBe(before);
});

test('of too many other names the least recently used is closed', () => {
  const sources = systemSources(['a.test']);
  const names = Array.from({ length: MAX_KEPT }, (_, i) => `n${i}.a.test`);
  const [first, second] = names.map((name) => sources.of(name));
  expect(sources.of('n0.a.test')).toBe(first);
  sources.of('more.a.test');
  const known = sources.status().map(({ name }) => name);
  expect(known).toHaveLength(1 + MAX_KEPT);
  expect(known).not.toContain('n1.a.test');
  expect(sources.of('n0.a.test')).toBe(first);
  expect(vi.getTimerCount()).toBe(MAX_KEPT);
  expect(sources.of('n1.a.test')).not.toBe(second);
});

test('who waits for a name that is closed is told: the oldest, where all are waited for', async () => {
  const { sources, close } = await sourcesBy([], () => []);
  const names = Array.from({ length: MAX_KEPT }, (_, i) => `n${i}.a.test`);
  const waiting = names.map(async (name) => sources.of(name).addresses(signal));
  const outcomes = Promise.allSettled(waiting);
  sources.of('more.a.test');
  await expect(waiting[0]).rejects.toThrow('more than 256 names below wildcards are wanted');
  close();
  const reasons = (await outcomes).map((outcome) => outcome.status === 'rejected' && String(outcome.reason));
  expect(reasons.slice(1).every((reason) => String(reason).includes('aborted'))).toBe(true);
});

test('a name that is waited for is not closed for others that are not, however many', async () => {
  const { sources, close } = await sourcesBy([], () => []);
  const first = sources.of('x.a.test');
  const waiting = first.addresses(signal);
  for (let i = 0; i < 3 * MAX_KEPT; i++) sources.of(`n${i}.a.test`);
  expect(sources.of('x.a.test')).toBe(first);
  close();
  await expect(waiting).rejects.toThrow('aborted');
});

test('a name that has been waited for is closed as others are', async () => {
  const { sources } = await sourcesBy([], zone([a('x.a.test', '127.0.0.1')]));
  const first = sources.of('x.a.test');
  await first.addresses(signal);
  for (let i = 0; i < MAX_KEPT; i++) sources.of(`n${i}.a.test`);
  expect(sources.status().map(({ name }) => name)).not.toContain('x.a.test');
});

test('a name that comes to be listed keeps what is known of it', async () => {
  const { sources, asked } = await sourcesBy([], zone([a('x.test', '127.0.0.1')]));
  await sources.of('x.test').addresses(signal);
  sources.follow(['x.test']);
  const known = [{ name: 'x.test', addresses: ['127.0.0.1'] }];
  expect(sources.status()).toMatchObject(known);
  await vi.advanceTimersByTimeAsync(KEPT_FOR);
  expect(sources.status()).toMatchObject(known);
  const before = asked(0, 'x.test');
  sources.follow(['x.test', 'y.test']);
  expect(await sources.of('x.test').addresses(signal)).toMatchObject([{ address: '127.0.0.1' }]);
  expect(asked(0, 'x.test')).toBe(before);

  sources.follow(['y.test']);
  expect(sources.status().map(({ name }) => name)).toEqual(['y.test']);
});

test('all names share what is learnt about a nameserver', async () => {
  vi.useRealTimers();
  const records = zone([a('a.test', '127.0.0.1'), a('x.a.test', '127.0.0.1')]);
  const { sources, asked } = await sourcesBy(['a.test'], () => [], records);
  await sources.of('a.test').addresses(signal);
  expect(asked(0, 'a.test')).toBe(1);
  await sources.of('x.a.test').addresses(signal);
  expect(asked(1, 'x.a.test')).toBe(1);
  expect(asked(0, 'x.a.test')).toBe(0);
});

test('all names are closed by the signal', async () => {
  const { sources, asked, close } = await sourcesBy(['a.test'], zone([a('a.test', '127.0.0.1', 5)]));
  await sources.of('a.test').addresses(signal);
  const waiting = sources.of('x.a.test').addresses(signal);
  close();
  await expect(waiting).rejects.toThrow('aborted');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked(0, 'a.test')).toBe(1);
});

test('of names that nobody waits for 32 are asked for at a time; one that is wanted is asked for at once', async () => {
  const names = Array.from({ length: 100 }, (_, i) => `n${i}.test`);
  const answer = zone(names.map((name) => a(name, '192.0.2.1')));
  let isMute = true;
  const script: Script = (query, how) => {
    const isSilent = isMute || query.questions?.[0]?.name.toLowerCase() === 'n99.test';
    return isSilent ? [] : answer(query, how);
  };
  const { sources, asked, close } = await sourcesBy(names, script);
  const known = () => names.filter((name) => asked(0, name) > 0);
  await until(() => known().length >= 32);
  const wanted = sources
    .of('n99.test')
    .addresses(signal)
    .catch((cause: Error) => cause.message);
  await until(() => asked(0, 'n99.test') > 0);
  expect(known()).toEqual([...names.slice(0, 32), 'n99.test']);

  isMute = false;
  await vi.advanceTimersByTimeAsync(3_000); // the bound on a nameserver's answer
  await until(() => known().length === names.length);
  expect(await wanted).toMatch(/silent/);
  close();
});

import { expect, test } from 'vitest';

import { openNameserver } from '../../src/dns/nameserver.ts';
import { createResolver } from '../../src/dns/resolver.ts';
import { openSource } from '../../src/dns/source.ts';
import { createSystemResolver } from '../../src/dns/system.ts';
import { takeTurns } from '../../src/lib/take-turns.ts';
import type { Scope } from '../../src/lib/target-scope.ts';
import { a, plainNameserver, scriptedServer, zone } from '../helpers/dns.ts';
import { testLog } from '../helpers/relay.ts';

const { signal } = new AbortController();
const timed = <T>(lookup: Promise<T>) => lookup;
const inTurn = takeTurns(1);

async function sourceOf(addresses: readonly string[], scope: Scope) {
  const server = await scriptedServer(zone(addresses.map((address) => a('api.test', address))));
  const log = testLog();
  const { address, port } = server;
  const resolve = createResolver([openNameserver({ text: 'test', protocol: 'udp', address, port })]);
  const closing = new AbortController();
  return {
    log,
    source: openSource('api.test', {
      resolve,
      keep: true,
      refresh: true,
      scope,
      timed,
      inTurn,
      log,
      signal: closing.signal,
    }),
  };
}

test('a source drops what is out of scope, and says why, once while the answers stay the same', async () => {
  const { log, source } = await sourceOf(['127.0.0.1', '10.0.0.1', '169.254.169.254'], 'private');
  for (let i = 0; i < 2; i++) {
    expect((await source.addresses(signal, { fresh: true })).map(({ address }) => address)).toEqual([
      '10.0.0.1',
    ]);
  }
  const drops = log.lines.filter(({ message }) => message === 'answers out of TARGET_SCOPE dropped');
  expect(drops.map(({ fields }) => fields['dropped'])).toEqual([
    '127.0.0.1 (loopback), 169.254.169.254 (link-local)',
  ]);
});

test('a source takes an answer with nothing in scope as none', async () => {
  const { log, source } = await sourceOf(['127.0.0.1'], 'private');
  const problem = 'no address of api.test is within TARGET_SCOPE=private: 127.0.0.1 (loopback)';
  await expect(source.addresses(signal)).rejects.toMatchObject({ message: problem, isFinal: true });
  const { fields } = await log.line('the name cannot be resolved; still trying');
  expect(fields['err']).toMatchObject({ message: problem });
});

test('a source takes everything with the scope any', async () => {
  const { source } = await sourceOf(['127.0.0.1'], 'any');
  expect(await source.addresses(signal)).toMatchObject([{ address: '127.0.0.1' }]);
});

test('a source does not judge a literal address, nor ask for it', async () => {
  const source = openSource('127.0.0.1', {
    resolve: createSystemResolver(),
    keep: false,
    refresh: true,
    scope: 'public',
    timed,
    inTurn,
    log: testLog(),
    signal,
  });
  expect(await source.addresses(signal)).toEqual([{ address: '127.0.0.1', family: 4 }]);
});

test('a source judges what the container’s own resolver says', async () => {
  const options = {
    resolve: createSystemResolver(),
    keep: false,
    refresh: true,
    timed,
    inTurn,
    log: testLog(),
    signal,
  };
  await expect(openSource('localhost', { ...options, scope: 'private' }).addresses(signal)).rejects.toThrow(
    '(loopback)',
  );
  expect(await openSource('localhost', { ...options, scope: 'any' }).addresses(signal)).toContainEqual(
    expect.objectContaining({ address: '127.0.0.1', family: 4 }),
  );
});

test('a source that keeps nothing asks once for all who wait, and anew after that', async () => {
  const server = await scriptedServer(zone([a('api.test', '127.0.0.1')]));
  const resolve = createResolver([plainNameserver(server)]);
  const options = {
    resolve,
    keep: false,
    refresh: true,
    scope: 'any',
    timed,
    inTurn,
    log: testLog(),
    signal,
  } as const;
  const source = openSource('api.test', options);
  const asked = () => server.queries.filter(({ questions }) => questions?.[0]?.type === 'A').length;
  const all = await Promise.all(Array.from({ length: 100 }, () => source.addresses(signal)));
  expect(all.map(([first]) => first?.address)).toEqual(Array.from({ length: 100 }, () => '127.0.0.1'));
  expect(asked()).toBe(1);
  await source.addresses(signal);
  expect(asked()).toBe(2);
});

test('who waits for a source that is closed is told, also where nothing is kept', async () => {
  const server = await scriptedServer(() => []);
  const resolve = createResolver([plainNameserver(server)]);
  const closing = new AbortController();
  const options = {
    resolve,
    keep: false,
    refresh: true,
    scope: 'any',
    timed,
    inTurn,
    log: testLog(),
  } as const;
  const waiting = openSource('api.test', { ...options, signal: closing.signal }).addresses(signal);
  closing.abort(new Error('nobody wants it any more'));
  await expect(waiting).rejects.toThrow('nobody wants it any more');
});

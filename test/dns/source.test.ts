import { expect, test } from 'vitest';

import { openNameserver } from '../../src/dns/nameserver.ts';
import { createResolver } from '../../src/dns/resolver.ts';
import { openSource } from '../../src/dns/source.ts';
import { a, scriptedServer, zone } from '../helpers/dns.ts';
import { testLog } from '../helpers/relay.ts';

const { signal } = new AbortController();
const timed = <T>(lookup: Promise<T>) => lookup;

async function sourceOf(addresses: readonly string[], scope: 'private' | 'public' | 'any') {
  const server = await scriptedServer(zone(addresses.map((address) => a('api.test', address))));
  const log = testLog();
  const { address, port } = server;
  const resolve = createResolver([openNameserver({ text: 'test', protocol: 'udp', address, port })]);
  const closing = new AbortController();
  return {
    log,
    source: openSource('api.test', { resolve, refresh: true, scope, timed, log, signal: closing.signal }),
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

test('what the container’s own resolver says of a name that does not exist is definite', async () => {
  const options = { resolve: null, refresh: true, timed, log: testLog(), signal };
  // Names below .invalid do not exist (RFC 6761 §6.4); a label that is too long need not be asked for.
  const name = `${'x'.repeat(64)}.invalid`;
  await expect(openSource(name, { ...options, scope: 'any' }).addresses(signal)).rejects.toMatchObject({
    message: expect.stringContaining(`${name} does not exist`),
    isFinal: true,
  });
});

test('a source takes everything with the scope any', async () => {
  const { source } = await sourceOf(['127.0.0.1'], 'any');
  expect(await source.addresses(signal)).toMatchObject([{ address: '127.0.0.1' }]);
});

test('a source does not judge a literal address, nor ask for it', async () => {
  const source = openSource('127.0.0.1', {
    resolve: null,
    refresh: true,
    scope: 'public',
    timed,
    log: testLog(),
    signal,
  });
  expect(await source.addresses(signal)).toEqual([{ address: '127.0.0.1', family: 4 }]);
});

test('a source judges what the container’s own resolver says', async () => {
  const options = { resolve: null, refresh: true, timed, log: testLog(), signal };
  await expect(openSource('localhost', { ...options, scope: 'private' }).addresses(signal)).rejects.toThrow(
    '(loopback)',
  );
  expect(await openSource('localhost', { ...options, scope: 'any' }).addresses(signal)).toContainEqual({
    address: '127.0.0.1',
    family: 4,
  });
});

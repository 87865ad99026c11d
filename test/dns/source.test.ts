import { expect, test } from 'vitest';

import { Sources } from '../../src/dns/sources.ts';
import type { Scope } from '../../src/lib/target-scope.ts';
import { a, type Script, scriptedServer, zone } from '../helpers/dns.ts';
import { testLog } from '../helpers/relay.ts';

const { signal } = new AbortController();
const SYSTEM = { text: 'system', protocol: 'system' } as const;

type Options = ConstructorParameters<typeof Sources>[0];

/** The source of a name in the scope any, and what closes it; what it learns is kept unless said otherwise. */
function openSource(
  name: string,
  {
    nameservers = [SYSTEM],
    keep = true,
    scope = 'any',
  }: Partial<Pick<Options, 'nameservers' | 'keep' | 'scope'>>,
) {
  const log = testLog();
  const closing = new AbortController();
  const sources = new Sources({ nameservers, keep, refresh: true, scope, log, signal: closing.signal });
  return { log, source: sources.of(name), close: (reason: Error) => closing.abort(reason) };
}

/** A server that answers by a script, as a nameserver. */
async function scripted(script: Script) {
  const server = await scriptedServer(script);
  const asked = () => server.queries.filter(({ questions }) => questions?.[0]?.type === 'A').length;
  const { address, port } = server;
  return { nameservers: [{ text: 'scripted', protocol: 'udp', address, port }] as const, asked };
}

async function sourceOf(addresses: readonly string[], scope: Scope) {
  const { nameservers } = await scripted(zone(addresses.map((address) => a('api.test', address))));
  return openSource('api.test', { nameservers, scope });
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
  const { source } = openSource('127.0.0.1', { scope: 'public' });
  expect(await source.addresses(signal)).toEqual([{ address: '127.0.0.1', family: 4 }]);
  expect(source.status()).toMatchObject({ addresses: ['127.0.0.1'], problem: null });
});

test('a source judges what the container’s own resolver says', async () => {
  const inScope = (scope: Scope) => openSource('localhost', { keep: false, scope }).source.addresses(signal);
  await expect(inScope('private')).rejects.toThrow('(loopback)');
  expect(await inScope('any')).toContainEqual(expect.objectContaining({ address: '127.0.0.1', family: 4 }));
});

test('a source that keeps nothing asks once for all who wait, and anew after that', async () => {
  const { nameservers, asked } = await scripted(zone([a('api.test', '127.0.0.1')]));
  const { source } = openSource('api.test', { nameservers, keep: false });
  const all = await Promise.all(Array.from({ length: 100 }, () => source.addresses(signal)));
  expect(all.map(([first]) => first?.address)).toEqual(Array.from({ length: 100 }, () => '127.0.0.1'));
  expect(asked()).toBe(1);
  await source.addresses(signal);
  expect(asked()).toBe(2);
});

test.each([true, false])('who waits for a source that is closed is told; it keeps: %s', async (keep) => {
  const { nameservers, asked } = await scripted(() => []);
  const { source, close } = openSource('api.test', { nameservers, keep });
  const waiting = source.addresses(signal);
  await expect.poll(asked).toBe(1);
  close(new Error('nobody wants it any more'));
  await expect(waiting).rejects.toThrow('nobody wants it any more');
  await expect(source.addresses(signal)).rejects.toThrow('nobody wants it any more');
  expect(asked()).toBe(1);
});

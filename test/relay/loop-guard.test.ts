import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

import { expect, test } from 'vitest';

import { createLoopGuard } from '../../src/relay/loop-guard.ts';

interface Named {
  readonly host: string;
  readonly port: number;
}

const own = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .map(({ address, family }) => ({ address, family: family === 'IPv6' ? 6 : 4 }));
const guard = createLoopGuard(new Set([443]), { bind: null, preResolve: false, nameAddresses: null });
const [tls, plain] = [443, 80].map((port) => ({ host: 'api.test', port })) as [Named, Named];
const elsewhere = { address: '192.0.2.1', family: 4 };

test.each([
  ...own,
  { address: '127.0.0.1', family: 4 },
  { address: '127.9.9.9', family: 4 },
  { address: '0.0.0.0', family: 4 },
  { address: '::1', family: 6 },
  { address: '::', family: 6 },
  { address: '::ffff:127.0.0.1', family: 6 },
])('the guard refuses $address on a port that is listened on', (address) => {
  expect(() => guard(tls, [address])).toThrow(`resolves to this relay itself (${address.address})`);
  expect(() => guard(tls, [address])).toThrow('PRE_RESOLVE=1');
  expect(guard(plain, [address])).toEqual([address]);
});

test('the guard refuses an answer with one address of its own among others: they are its replicas', () => {
  expect(() => guard(tls, [elsewhere, { address: '127.0.0.1', family: 4 }])).toThrow(
    'this relay itself (127.0.0.1)',
  );
});

test('the guard says what to do where PRE_RESOLVE is set already, or TARGET is an address', () => {
  const ours = { address: '127.0.0.1', family: 4 };
  const preResolving = createLoopGuard(new Set([443]), { bind: null, preResolve: true, nameAddresses: null });
  expect(() => preResolving(tls, [ours])).toThrow(/ would loop: name NAMESERVERS that know its own address$/);
  for (const each of [guard, preResolving])
    expect(() => each({ host: '127.0.0.1', port: 443 }, [ours])).toThrow(
      /^it is this relay itself, which would loop: name another address, or listen on another port/,
    );
});

test('the guard lets the addresses of others pass', () => {
  expect(guard(tls, [elsewhere])).toEqual([elsewhere]);
});

test.each([
  ['127.0.0.2', ['127.0.0.2', '::ffff:127.0.0.2', '::ffff:7f00:2', '0.0.0.0', '::'], ['127.0.0.1', '::1']],
  ['0.0.0.0', ['127.0.0.1', '127.9.9.9'], ['::1']],
  ['::', ['::1'], ['127.0.0.1']],
  ['::1', ['::1', '0:0::1'], ['127.0.0.1']],
  ['192.0.2.7 ::1', ['192.0.2.7', '::1'], ['127.0.0.1']],
])('listening on %s alone, the guard refuses %j and lets %j pass', (bind, ours, others) => {
  const bound = createLoopGuard(new Set([443]), {
    bind: bind.split(' '),
    preResolve: false,
    nameAddresses: null,
  });
  const isRefused = (address: string) => {
    try {
      bound(tls, [{ address, family: isIPv6(address) ? 6 : 4 }]);
      return false;
    } catch {
      return true;
    }
  };
  expect(ours.filter(isRefused)).toEqual(ours);
  expect(others.filter(isRefused)).toEqual([]);
});

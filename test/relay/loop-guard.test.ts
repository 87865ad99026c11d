import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

import { expect, test } from 'vitest';

import { createLoopGuard } from '../../src/relay/loop-guard.ts';

const own = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .map(({ address, family }) => ({ address, family: family === 'IPv6' ? 6 : 4 }));
const guard = createLoopGuard(new Set([443]), null);
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
  expect(() => guard([address], 443)).toThrow(`resolves to this relay itself (${address.address})`);
  expect(() => guard([address], 443)).toThrow('PRE_RESOLVE=1');
  expect(guard([address], 80)).toEqual([address]);
});

test('the guard refuses an answer with one address of its own among others: they are its replicas', () => {
  expect(() => guard([elsewhere, { address: '127.0.0.1', family: 4 }], 443)).toThrow(
    'this relay itself (127.0.0.1)',
  );
});

test('the guard lets the addresses of others pass', () => {
  expect(guard([elsewhere], 443)).toEqual([elsewhere]);
});

test.each([
  ['127.0.0.2', ['127.0.0.2', '::ffff:127.0.0.2', '::ffff:7f00:2', '0.0.0.0', '::'], ['127.0.0.1', '::1']],
  ['0.0.0.0', ['127.0.0.1', '127.9.9.9'], ['::1']],
  ['::', ['::1'], ['127.0.0.1']],
  ['::1', ['::1', '0:0::1'], ['127.0.0.1']],
  ['192.0.2.7 ::1', ['192.0.2.7', '::1'], ['127.0.0.1']],
])('listening on %s alone, the guard refuses %j and lets %j pass', (bind, ours, others) => {
  const bound = createLoopGuard(new Set([443]), bind.split(' '));
  const isRefused = (address: string) => {
    try {
      bound([{ address, family: isIPv6(address) ? 6 : 4 }], 443);
      return false;
    } catch {
      return true;
    }
  };
  expect(ours.filter(isRefused)).toEqual(ours);
  expect(others.filter(isRefused)).toEqual([]);
});

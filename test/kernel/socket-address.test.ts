import { expect, test } from 'vitest';

import { loadCalls } from '../../src/kernel/calls.ts';
import { LARGEST_SOCKADDR, readSocketAddress, writeSocketAddress } from '../../src/kernel/socket-address.ts';

const calls = loadCalls();

test.each([
  ['192.0.2.1', 80, 2],
  ['2001:db8::1', 65_535, 10],
  ['::1', 1, 10],
  ['::ffff:192.0.2.1', 8_080, 10],
])('%s, port %i, is read as it was written', (address, port, family) => {
  const bytes = Buffer.alloc(LARGEST_SOCKADDR, 0xff);
  expect(writeSocketAddress(calls, bytes, { address, port })).toBe(family);
  expect(readSocketAddress(calls, bytes)).toEqual({ address, port });
});

test('a struct sockaddr_in is laid out as ip(7) has it', () => {
  const bytes = Buffer.alloc(LARGEST_SOCKADDR);
  writeSocketAddress(calls, bytes, { address: '192.0.2.1', port: 443 });
  expect(bytes.subarray(2, 8).toString('hex')).toBe('01bbc0000201');
});

test.each([
  ['fe80::1%lo', 1, 'fe80::1%lo'],
  ['fe80::1%1', 1, 'fe80::1%lo'],
  ['fe80::1%7777', 7_777, 'fe80::1%7777'],
])('%s is of the zone %i, and read as %s', (address, scope, read) => {
  const bytes = Buffer.alloc(LARGEST_SOCKADDR);
  writeSocketAddress(calls, bytes, { address, port: 80 });
  expect(bytes.readUInt32LE(24)).toBe(scope);
  expect(readSocketAddress(calls, bytes)).toEqual({ address: read, port: 80 });
});

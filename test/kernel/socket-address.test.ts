import { expect, test } from 'vitest';

import { readSocketAddress, SOCKADDR_SIZE, writeSocketAddress } from '../../src/kernel/socket-address.ts';

test.each([
  ['192.0.2.1', 80, 2],
  ['2001:db8::1', 65_535, 10],
  ['::1', 1, 10],
  ['::ffff:192.0.2.1', 8_080, 10],
])('%s, port %i, is read as it was written', (address, port, family) => {
  const bytes = Buffer.alloc(SOCKADDR_SIZE, 0xff);
  expect(writeSocketAddress(bytes, address, port)).toBe(family);
  expect(readSocketAddress(bytes)).toEqual({ address, port });
});

test('a struct sockaddr_in is laid out as ip(7) has it', () => {
  const bytes = Buffer.alloc(SOCKADDR_SIZE);
  writeSocketAddress(bytes, '192.0.2.1', 443);
  expect(bytes.subarray(2, 8).toString('hex')).toBe('01bbc0000201');
});

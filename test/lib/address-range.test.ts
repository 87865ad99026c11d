import { expect, test } from 'vitest';

import { AddressRange, describeNameNetworks, roomIn } from '../../src/lib/address-range.ts';

test.each([
  ['192.0.2.128', 25, 126, '192.0.2.129', '192.0.2.254'],
  ['192.0.2.200', 25, 126, '192.0.2.129', '192.0.2.254'],
  ['192.0.2.4', 30, 2, '192.0.2.5', '192.0.2.6'],
  ['10.0.0.0', 8, 4_096, '10.0.0.1', '10.0.16.0'],
  ['0.0.0.0', 0, 4_096, '0.0.0.1', '0.0.16.0'],
  ['2001:db8::1:0', 112, 4_096, '2001:db8::1:1', '2001:db8::1:1000'],
  ['2001:db8::1:ff', 120, 254, '2001:db8::1:1', '2001:db8::1:fe'],
  ['2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 33, 4_096, '2001:db8:8000::1', '2001:db8:8000::1000'],
] as const)('%s/%i has %i addresses for hosts, from %s to %s', (address, prefix, size, first, last) => {
  const range = new AddressRange([address, prefix]);
  expect(range.size).toBe(size);
  expect(range.at(0)).toBe(first);
  expect(range.at(size - 1)).toBe(last);
  expect([range.indexOf(first), range.indexOf(last)]).toEqual([0, size - 1]);
});

test.each([
  ['192.0.2.128', 25, ['192.0.2.127', '192.0.2.128', '192.0.2.255', '192.0.3.129', '0.0.0.0']],
  ['2001:db8::1:0', 120, ['2001:db8::1:0', '2001:db8::1:ff', '2001:db8::2:1', '::1', '2001:db8:1::1:1']],
] as const)('%s/%i has no index for other addresses', (address, prefix, others) => {
  const range = new AddressRange([address, prefix]);
  expect(others.map((other) => range.indexOf(other))).toEqual(others.map(() => null));
});

test.each([
  ['192.0.2.1', 32],
  ['192.0.2.0', 31],
  ['2001:db8::1', 128],
] as const)('%s/%i has room for none', (address, prefix) => {
  expect(new AddressRange([address, prefix]).size).toBe(0);
});

test('two networks have room for as many names as the smaller one', () => {
  const networks = { v4: ['192.0.2.128', 25], v6: ['2001:db8::', 64] } as const;
  expect(roomIn(networks)).toBe(126);
  expect(roomIn({ ...networks, v4: null })).toBe(4_096);
  expect(describeNameNetworks(networks)).toBe('192.0.2.128/25 2001:db8::/64');
});

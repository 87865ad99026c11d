import { expect, test } from 'vitest';

import { limitAddresses } from '../../src/dns/limit-addresses.ts';

const v4 = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ address: `10.0.${i >> 8}.${i & 255}`, family: 4 }));
const v6 = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ address: `2001:db8::${i.toString(16)}`, family: 6 }));
const countOf = (records: readonly { readonly family: number }[], family: number) =>
  records.filter((record) => record.family === family).length;

test('limitAddresses() leaves 32 addresses as they are', () => {
  const records = [...v4(20), ...v6(12)].toReversed();
  expect(limitAddresses(records)).toEqual({ records, leftOut: 0 });
});

test.each([
  [4_000, 0, 32, 0],
  [0, 33, 0, 32],
  [4_000, 4_000, 16, 16],
  [4_000, 3, 29, 3],
  [1, 4_000, 1, 31],
])('limitAddresses() takes of %d IPv4 and %d IPv6 addresses %d and %d', (of4, of6, taken4, taken6) => {
  const { records, leftOut } = limitAddresses([...v4(of4), ...v6(of6)]);
  expect([countOf(records, 4), countOf(records, 6)]).toEqual([taken4, taken6]);
  expect(leftOut).toBe(of4 + of6 - 32);
});

test('limitAddresses() takes the same of a rotated answer', () => {
  const all = [...v4(100), ...v6(100)];
  const rotated = [...all.slice(77), ...all.slice(0, 77)];
  expect(limitAddresses(rotated)).toEqual(limitAddresses(all));
});

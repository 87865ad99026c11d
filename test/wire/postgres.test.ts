import { expect, test } from 'vitest';

import { readPostgresRequest } from '../../src/wire/postgres.ts';

test.each([
  ['0000000804d2162f', 'TLS'],
  ['0000000804d21630', 'GSSAPI'],
  ['00000054000300', 'nothing'],
  ['00000300000300', 'nothing'],
  ['0000000800030002', 'nothing'],
])('readPostgresRequest() reads %s byte by byte, and waits for its last one', (hex, asks) => {
  const text = Buffer.from(hex, 'hex').toString('latin1');
  const starts = Array.from(text, (_, i) => text.slice(0, i + 1));
  expect(starts.map(readPostgresRequest).find((read) => read !== null)).toBe(asks);
  expect(readPostgresRequest(text)).toBe(asks);
});

test.each(['47', '0001', '00000000', '00000007', '0000005401', '000000540004', '0000000804d2162e'])(
  'readPostgresRequest() reads nothing of PostgreSQL in %s',
  (hex) => {
    expect(readPostgresRequest(Buffer.from(hex, 'hex').toString('latin1'))).toBe(undefined);
  },
);

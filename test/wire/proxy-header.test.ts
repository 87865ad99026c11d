import { isIPv4 } from 'node:net';

import { v6 } from '@leichtgewicht/ip-codec';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { proxyHeader } from '../../src/wire/proxy-header.ts';
import { isSameAddress, readProxyHeader, SIGNATURE } from '../helpers/proxy-header.ts';

const client = { address: '192.0.2.9', port: 56_324 };
const relay = { address: '198.51.100.1', port: 443 };
const between = (source: typeof client | null, destination: typeof client | null, isOwn = false) => ({
  source,
  destination,
  isOwn,
});

test.each([
  ['v1', between(client, relay), 'PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\r\n'],
  [
    'v1',
    between({ address: '2001:db8::9', port: 65_535 }, { address: '::1', port: 1 }),
    'PROXY TCP6 2001:db8::9 ::1 65535 1\r\n',
  ],
  [
    'v1',
    between({ ...client, address: '::ffff:192.0.2.9' }, { ...relay, address: '::ffff:198.51.100.1' }),
    'PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\r\n',
  ],
  [
    'v1',
    between({ ...client, address: 'fe80::9%eth0' }, { ...relay, address: 'fe80::1%eth0' }),
    'PROXY TCP6 fe80::9 fe80::1 56324 443\r\n',
  ],
  ['v1', between(client, relay, true), 'PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\r\n'],
  ['v1', between(client, null), 'PROXY UNKNOWN\r\n'],
  ['v1', between(null, relay), 'PROXY UNKNOWN\r\n'],
  ['v1', between({ ...client, address: '2001:db8::9' }, relay), 'PROXY UNKNOWN\r\n'],
] as const)('proxyHeader() in %s of %j is %j', (version, relayed, header) => {
  expect(proxyHeader(version, relayed).toString('latin1')).toBe(header);
});

test.each([
  ['IPv4', between(client, relay), '2111000cc0000209c6336401dc0401bb'],
  [
    'v4-mapped ends',
    between({ ...client, address: '::ffff:192.0.2.9' }, { ...relay, address: '::ffff:198.51.100.1' }),
    '2111000cc0000209c6336401dc0401bb',
  ],
  [
    'IPv6',
    between({ ...client, address: '2001:db8::9' }, { ...relay, address: '::1' }),
    '2121002420010db800000000000000000000000900000000000000000000000000000001dc0401bb',
  ],
  ['a check of its own', between(client, relay, true), '20000000'],
  ['an unknown end', between(client, null), '21000000'],
  ['two families', between({ ...client, address: '2001:db8::9' }, relay), '21000000'],
] as const)('proxyHeader() in v2 tells %s', (_what, relayed, rest) => {
  expect(proxyHeader('v2', relayed).toString('hex')).toBe(SIGNATURE + rest);
});

test('proxyHeader() can be read back in either version, is within the longest that a server takes, and ends where it says', () => {
  const port = fc.integer({ min: 0, max: 65_535 });
  // As sockets tell them.
  const written = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => v6.decode(bytes));
  const pair = (address: fc.Arbitrary<string>) => fc.tuple(address, address);
  fc.assert(
    fc.property(
      fc.constantFrom('v1', 'v2'),
      fc.oneof(pair(fc.ipV4()), pair(written)),
      port,
      port,
      (version, [source, destination], from, to) => {
        const header = proxyHeader(version, {
          source: { address: source, port: from },
          destination: { address: destination, port: to },
          isOwn: false,
        });
        const seen = readProxyHeader(Buffer.concat([header, Buffer.from('GET /')]));
        expect(header.length).toBeLessThanOrEqual(107);
        expect([seen.family, seen.ports, seen.rest]).toEqual([
          isIPv4(source) ? 'TCP4' : 'TCP6',
          [from, to],
          'GET /',
        ]);
        expect([isSameAddress(seen.source, source), isSameAddress(seen.destination, destination)]).toEqual([
          true,
          true,
        ]);
      },
    ),
    { numRuns: 2_000 },
  );
});

import type { NetworkInterfaceInfo } from 'node:os';

import { describe, expect, test } from 'vitest';

import { OwnAddresses } from '../../src/dns-server/own-addresses.ts';

/** An interface as Node tells of it, from addresses with the lengths of their prefixes. */
function networkInterface(...cidrs: readonly string[]): NetworkInterfaceInfo[] {
  return cidrs.map((cidr) => {
    const [address = ''] = cidr.split('/');
    const common = {
      address,
      netmask: '',
      mac: '',
      internal: address === '127.0.0.1' || address === '::1',
      cidr,
    };
    return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
  });
}

const own = new OwnAddresses({
  lo: networkInterface('127.0.0.1/8', '10.77.0.1/32', '::1/128'),
  eth0: networkInterface('10.0.0.2/24', '10.0.0.3/24', 'fe80::2/64', 'fd00:a::2/64', 'fd00:a::3/64'),
  'eth0:1': networkInterface('10.0.0.4/24'),
  eth1: networkInterface('172.18.0.2/16', 'fe80::2/64'),
  eth2: networkInterface('fe80::9/64', 'fd00:c::2/64'),
});

describe('besides() an address there is one of the other family of the same interface:', () => {
  test.each<[asked: string, v4: string | null, v6: string | null]>([
    ['10.0.0.2', '10.0.0.2', 'fd00:a::2'],
    ['10.0.0.3', '10.0.0.3', 'fd00:a::2'],
    ['10.0.0.4', '10.0.0.4', 'fd00:a::2'],
    ['::ffff:10.0.0.2', '10.0.0.2', 'fd00:a::2'],
    ['fd00:a::3', '10.0.0.2', 'fd00:a::3'],
    // There is none but a link-local one.
    ['172.18.0.2', '172.18.0.2', null],
    ['fd00:c::2', null, 'fd00:c::2'],
    // A link-local one leads nowhere without its interface.
    ['fe80::2%eth0', '10.0.0.2', 'fd00:a::2'],
    ['fe80::2%eth1', '172.18.0.2', null],
    ['fe80::9', null, 'fd00:c::2'],
    ['127.0.0.1', '127.0.0.1', '::1'],
    ['127.0.0.53', '127.0.0.53', '::1'],
    ['::1', '127.0.0.1', '::1'],
    // Of a host, not of its loopback, whose address is of no use to others.
    ['10.77.0.1', '10.77.0.1', null],
    // Not in any list, and within a network that is.
    ['10.0.0.200', '10.0.0.200', 'fd00:a::2'],
    ['192.0.2.1', '192.0.2.1', null],
  ])('%s has %s and %s', (asked, v4, v6) => {
    expect(own.besides(asked)).toEqual({ v4, v6 });
  });
});

describe('towards() a client they are those of the interface that leads there:', () => {
  test.each<[client: string, v4: string | null, v6: string | null]>([
    ['10.0.0.77', '10.0.0.2', 'fd00:a::2'],
    ['::ffff:172.18.3.4', '172.18.0.2', null],
    ['fd00:c::77', null, 'fd00:c::2'],
    ['fe80::77%eth1', '172.18.0.2', null],
    ['127.0.0.1', '127.0.0.1', '::1'],
    // From beyond a router.
    ['192.0.2.1', '10.0.0.2', 'fd00:a::2'],
    ['2001:db8::1', '10.0.0.2', 'fd00:a::2'],
  ])('for %s %s and %s', (client, v4, v6) => {
    expect(own.towards(client)).toEqual({ v4, v6 });
  });
});

test('addresses where nobody listens are none, but for the one that was asked', () => {
  const bound = new OwnAddresses(
    { eth0: networkInterface('10.0.0.2/24', '10.0.0.3/24', 'fd00:a::2/64') },
    (address) => address === '10.0.0.3',
  );
  expect(bound.besides('10.0.0.3')).toEqual({ v4: '10.0.0.3', v6: null });
  expect(bound.besides('fd00:a::2')).toEqual({ v4: '10.0.0.3', v6: 'fd00:a::2' });
  expect(bound.towards('10.0.0.77')).toEqual({ v4: '10.0.0.3', v6: null });
});

test('a host without interfaces has the address that was asked', () => {
  const none = new OwnAddresses({});
  expect(none.besides('10.0.0.2')).toEqual({ v4: '10.0.0.2', v6: null });
  expect(none.towards('10.0.0.2')).toEqual({ v4: null, v6: null });
});

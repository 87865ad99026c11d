import { expect, test } from 'vitest';

import { judgeOf } from '../../src/dns/scope.ts';

const judgements = {
  private: judgeOf('private'),
  public: judgeOf('public'),
  any: judgeOf('any'),
};

/** What is dropped under either scope, for the same reason. */
const dropped = (address: string, reason: string): [string, string, string] => [address, reason, reason];

test.each<[address: string, underPrivate: string | null, underPublic: string | null]>([
  ['93.184.215.14', null, null],
  ['2606:4700::1111', null, null],
  ['10.1.2.3', null, 'private'],
  ['172.16.0.1', null, 'private'],
  ['172.32.0.1', null, null],
  ['192.168.1.1', null, 'private'],
  ['100.64.0.1', null, 'shared address space'],
  ['100.128.0.1', null, null],
  ['fd00::1', null, 'private'],
  dropped('fd00:ec2::254', 'cloud metadata'),
  ['fd00:ec2::253', null, 'private'],
  dropped('fd00:ec2::23', 'cloud metadata'),
  dropped('fd20:ce::254', 'cloud metadata'),
  dropped('fd00:c1::a9fe:a9fe', 'cloud metadata'),
  dropped('fd00:100::100:200', 'cloud metadata'),
  dropped('fd00:a9fe:a9fe::1', 'cloud metadata'),
  dropped('fd00:42::42', 'cloud metadata'),
  dropped('192.0.0.192', 'cloud metadata'),
  ['192.0.0.191', null, 'reserved'],
  dropped('100.100.100.200', 'cloud metadata'),
  ['100.100.100.199', null, 'shared address space'],
  ['168.63.129.16', null, 'cloud platform'],
  ['168.63.129.15', null, null],
  dropped('127.0.0.1', 'loopback'),
  dropped('127.255.0.9', 'loopback'),
  dropped('::1', 'loopback'),
  dropped('169.254.169.254', 'link-local'),
  dropped('fe80::1', 'link-local'),
  dropped('febf::1', 'link-local'),
  dropped('0.0.0.0', 'unspecified'),
  dropped('0.1.2.3', 'unspecified'),
  dropped('::', 'unspecified'),
  dropped('224.0.0.1', 'multicast'),
  dropped('ff02::1', 'multicast'),
  dropped('240.0.0.1', 'reserved'),
  dropped('255.255.255.255', 'reserved'),
  ['192.0.2.1', null, 'documentation'],
  ['198.51.100.7', null, 'documentation'],
  ['203.0.113.7', null, 'documentation'],
  ['2001:db8::1', null, 'documentation'],
  ['3fff::1', null, 'documentation'],
  ['198.18.0.1', null, 'benchmarking'],
  ['198.20.0.1', null, null],
  ['2001:2::1', null, 'benchmarking'],
  ['192.0.0.8', null, 'reserved'],
  ['192.0.0.9', null, null],
  ['2001::1', null, 'reserved'],
  ['2001:4:112::1', null, null],
  ['2001:200::1', null, null],
  ['64:ff9b:1::1', null, 'reserved'],
  ['100::1', null, 'reserved'],
  ['4000::1', null, 'reserved'],
  dropped('::ffff:127.0.0.1', 'loopback (it embeds 127.0.0.1)'),
  dropped('::ffff:a9fe:a9fe', 'link-local (it embeds 169.254.169.254)'),
  ['::ffff:10.0.0.1', null, 'private (it embeds 10.0.0.1)'],
  ['::ffff:93.184.215.14', null, null],
  dropped('64:ff9b::a9fe:a9fe', 'link-local (it embeds 169.254.169.254)'),
  ['64:ff9b::10.0.0.1', null, 'private (it embeds 10.0.0.1)'],
  ['64:ff9b::5db8:d70e', null, null],
  dropped('2002:7f00:1::1', 'loopback (it embeds 127.0.0.1)'),
  ['2002:5db8:d70e::1', null, null],
  ...['::ffff:100.100.100.200', '64:ff9b::6464:64c8', '2002:6464:64c8::', '64:ff9b:1::6464:64c8'].map(
    (address) => dropped(address, 'cloud metadata (it embeds 100.100.100.200)'),
  ),
  dropped('::ffff:192.0.0.192', 'cloud metadata (it embeds 192.0.0.192)'),
  ['::ffff:168.63.129.16', null, 'cloud platform (it embeds 168.63.129.16)'],
  ['64:ff9b::a83f:8110', null, 'cloud platform (it embeds 168.63.129.16)'],
  // 169.254.169.254 behind a local NAT64 prefix of 48, 56, 64 and 96 bits.
  ...[
    '64:ff9b:1:a9fe:a9:fe00::',
    '64:ff9b:1:1a9:fe:a9fe::',
    '64:ff9b:1:112:a9:fea9:fe00:0',
    '64:ff9b:1:1:2:3:a9fe:a9fe',
  ].map((address) => dropped(address, 'link-local (it embeds 169.254.169.254)')),
  // 93.184.215.14 and 10.0.0.1: the range itself is not globally reachable.
  ['64:ff9b:1:5db8:d7:e00::', null, 'reserved'],
  ['64:ff9b:1::5db8:d70e', null, 'reserved'],
  ['64:ff9b:1::a00:1', null, 'private (it embeds 10.0.0.1)'],
])('%s under private: %s, under public: %s', (address, underPrivate, underPublic) => {
  expect(judgements.private(address)).toBe(underPrivate);
  expect(judgements.public(address)).toBe(underPublic);
  expect(judgements.any(address)).toBe(null);
});

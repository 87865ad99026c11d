import { expect, test } from 'vitest';

import { createJudge } from '../../src/dns/scope.ts';

const judgements = {
  private: createJudge('private'),
  public: createJudge('public'),
  any: createJudge('any'),
};

test.each([
  ['93.184.215.14', null, null],
  ['2606:4700::1111', null, null],
  ['10.1.2.3', null, 'private'],
  ['172.16.0.1', null, 'private'],
  ['172.32.0.1', null, null],
  ['192.168.1.1', null, 'private'],
  ['100.64.0.1', null, 'shared address space'],
  ['100.128.0.1', null, null],
  ['fd00:ec2::254', null, 'private'],
  ['127.0.0.1', 'loopback', 'loopback'],
  ['127.255.0.9', 'loopback', 'loopback'],
  ['::1', 'loopback', 'loopback'],
  ['169.254.169.254', 'link-local', 'link-local'],
  ['fe80::1', 'link-local', 'link-local'],
  ['febf::1', 'link-local', 'link-local'],
  ['0.0.0.0', 'unspecified', 'unspecified'],
  ['0.1.2.3', 'unspecified', 'unspecified'],
  ['::', 'unspecified', 'unspecified'],
  ['224.0.0.1', 'multicast', 'multicast'],
  ['ff02::1', 'multicast', 'multicast'],
  ['240.0.0.1', 'reserved', 'reserved'],
  ['255.255.255.255', 'reserved', 'reserved'],
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
  ['::ffff:127.0.0.1', 'loopback (it embeds 127.0.0.1)', 'loopback (it embeds 127.0.0.1)'],
  ['::ffff:a9fe:a9fe', 'link-local (it embeds 169.254.169.254)', 'link-local (it embeds 169.254.169.254)'],
  ['::ffff:10.0.0.1', null, 'private (it embeds 10.0.0.1)'],
  ['::ffff:93.184.215.14', null, null],
  ['64:ff9b::a9fe:a9fe', 'link-local (it embeds 169.254.169.254)', 'link-local (it embeds 169.254.169.254)'],
  ['64:ff9b::10.0.0.1', null, 'private (it embeds 10.0.0.1)'],
  ['64:ff9b::5db8:d70e', null, null],
  ['2002:7f00:1::1', 'loopback (it embeds 127.0.0.1)', 'loopback (it embeds 127.0.0.1)'],
])('%s under private: %s, under public: %s', (address, underPrivate, underPublic) => {
  expect(judgements.private(address)).toBe(underPrivate);
  expect(judgements.public(address)).toBe(underPublic);
  expect(judgements.any(address)).toBe(null);
});

import { expect, test } from 'vitest';

import { candidatesFor, parseResolvConf, type ResolvConf } from '../../src/dns/resolv-conf.ts';

const byDefault: ResolvConf = {
  nameservers: ['127.0.0.1'],
  search: [],
  ndots: 1,
  timeout: 5_000,
  attempts: 2,
  overTcp: false,
  asksAaaa: true,
};

test.each<[string, Partial<ResolvConf>]>([
  ['', {}],
  ['nameserver 127.0.0.11\noptions ndots:0\n', { nameservers: ['127.0.0.11'], ndots: 0 }],
  [
    'nameserver 10.0.0.1\nnameserver\tfd00::1  \nnameserver 10.0.0.3 # the third\nnameserver 10.0.0.4',
    { nameservers: ['10.0.0.1', 'fd00::1', '10.0.0.3'] },
  ],
  ['nameserver fe80::1%eth0', { nameservers: ['fe80::1%eth0'] }],
  ['nameserver dns.test\nnameserver 10.0.0.1', { nameservers: ['10.0.0.1'] }],
  ['#nameserver 10.0.0.1\n;search corp.test\n nameserver 10.0.0.2\nnameservers 10.0.0.3', {}],
  ['search a.test b.test. .', { search: ['a.test', 'b.test', ''] }],
  ['search a.test\nsearch b.test c.test', { search: ['b.test', 'c.test'] }],
  ['search a.test b.test\ndomain c.test', { search: ['c.test'] }],
  ['domain c.test\nsearch a.test b.test', { search: ['a.test', 'b.test'] }],
  ['options ndots:2 timeout:1\noptions attempts:3', { ndots: 2, timeout: 1_000, attempts: 3 }],
  ['options ndots:99 timeout:99 attempts:99', { ndots: 15, timeout: 30_000, attempts: 5 }],
  ['options timeout:0 attempts:0 ndots:', { timeout: 1_000, attempts: 1 }],
  ['options ndots:2\noptions ndots:3', { ndots: 3 }],
  ['options edns0 trust-ad rotate use-vc no-aaaa', { overTcp: true, asksAaaa: false }],
  ['nameserver 10.0.0.1\r\nsearch a.test\r\n', { nameservers: ['10.0.0.1'], search: ['a.test'] }],
])('parseResolvConf() reads %j', (text, expected) => {
  expect(parseResolvConf(text, 'door')).toEqual({ ...byDefault, ...expected });
});

test.each([
  ['', 'door.corp.test', ['corp.test']],
  ['search .', 'door.corp.test', ['']],
  ['search a.test', 'door.corp.test', ['a.test']],
])('parseResolvConf() of %j on the host %s searches %j', (text, hostname, search) => {
  expect(parseResolvConf(text, hostname).search).toEqual(search);
});

test.each([
  ['web', 1, 'web.a.test web.b.test web'],
  ['web', 0, 'web web.a.test web.b.test'],
  ['web.prod', 0, 'web.prod web.prod.a.test web.prod.b.test'],
  ['web.prod', 1, 'web.prod web.prod.a.test web.prod.b.test'],
  ['web.prod', 2, 'web.prod.a.test web.prod.b.test web.prod'],
  ['web.', 1, 'web.'],
  ['web.prod.', 5, 'web.prod.'],
])('candidatesFor() of %s with ndots:%i are %s', (name, ndots, expected) => {
  const found = candidatesFor(name, { search: ['a.test', 'b.test'], ndots });
  expect(found.join(' ')).toBe(expected);
});

test('candidatesFor() has no name twice, and none that is too long', () => {
  const searched = (name: string, search: readonly string[]) => candidatesFor(name, { search, ndots: 1 });
  expect(searched('web', ['', 'a.test', 'a.test'])).toEqual(['web', 'web.a.test']);
  const label = 'a'.repeat(63);
  const long = [label, label, label].join('.');
  expect(searched(long, [label, 'b.test'])).toEqual([long, `${long}.b.test`]);
});

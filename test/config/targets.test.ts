import { expect, test } from 'vitest';

import { parseTargets } from '../../src/config/targets.ts';

test.each([
  ['api.github.com uploads.github.com', ['api.github.com', 'uploads.github.com']],
  ['b.test,a.test\n, *.a.test', ['b.test', 'a.test', '*.a.test']],
  ['*.S3.AmazonAWS.com', ['*.s3.amazonaws.com']],
  ['*.bücher.example', ['*.xn--bcher-kva.example']],
  ['a.test. *.b.test.', ['a.test.', '*.b.test.']],
  ['*.test', ['*.test']],
  ['a.test [2001:db8::1] 192.0.2.1', ['a.test', '2001:db8::1', '192.0.2.1']],
])('parseTargets() reads %j', (text, targets) => {
  expect(parseTargets(text)).toEqual(targets.map((name) => ({ name, ports: null, protocol: null })));
});

const NUMBER = 'that is a number, not a name or an address; a port stands behind its name, as in name:443';
const COLONS =
  "a name comes first, then ':' and a port or two; an IPv6 address with ports stands in brackets";

test.each([
  [',', 'no name is listed'],
  ['*.', 'that is no host name'],
  ['**.a.test', 'that is no host name'],
  ['*a.test', 'that is no host name'],
  ['a.*.test', 'that is no host name'],
  ['*.*.test', 'that is no host name'],
  ['*.192.0.2.1', 'an address has no names below it'],
  ['*.[2001:db8::1]', COLONS],
  ['*.2001:db8::1', COLONS],
  ['*.0x7f.1', NUMBER],
  ['8443', NUMBER],
  ['db.test:443,8443', `'8443': ${NUMBER}`],
  ['1.2', NUMBER],
  ['１２７.0.0.1:80', NUMBER],
  ['a.test https://b.test/', "'https://b.test/': that is a URL; only its host name belongs here"],
])('parseTargets() refuses %j', (text, hint) => {
  expect(() => parseTargets(text)).toThrow(new Error(hint));
});

const pair = (listen: number, target = listen) => ({ listen, target });

test.each<[string, object]>([
  ['db.test:5432', { name: 'db.test', ports: [pair(5432)], protocol: null }],
  ['cache.test:6380:6379', { name: 'cache.test', ports: [pair(6380, 6379)], protocol: null }],
  ['logs.test:514/udp', { name: 'logs.test', ports: [pair(514)], protocol: 'udp' }],
  ['logs.test:514/UDP', { name: 'logs.test', ports: [pair(514)], protocol: 'udp' }],
  ['api.test/tcp', { name: 'api.test', ports: null, protocol: 'tcp' }],
  ['*.a.test:443', { name: '*.a.test', ports: [pair(443)], protocol: null }],
  ['ftp.test:5000-5002', { name: 'ftp.test', ports: [pair(5000), pair(5001), pair(5002)], protocol: null }],
  ['192.0.2.1:53/udp', { name: '192.0.2.1', ports: [pair(53)], protocol: 'udp' }],
  ['[2001:db8::1]:53:5353/udp', { name: '2001:db8::1', ports: [pair(53, 5353)], protocol: 'udp' }],
  ['*', { name: '*', ports: null, protocol: null }],
  ['*:443', { name: '*', ports: [pair(443)], protocol: null }],
  ['2001:db8::1:443', { name: '2001:db8::1:443', ports: null, protocol: null }],
  ['2001:db8::1/udp', { name: '2001:db8::1', ports: null, protocol: 'udp' }],
])('parseTargets() reads %s', (text, entry) => {
  expect(parseTargets(text)).toEqual([entry]);
});

test.each([
  ['a.test:', "'' is no port"],
  ['a.test:http', "'http' is no port"],
  ['a.test:0', "'0' is no port from 1 to 65535"],
  ['a.test:80:0', "'0' is no port from 1 to 65535"],
  ['a.test:80:', "'80:' is no port"],
  ['a.test:1:2:3', COLONS],
  ['1:2:3:4:5:6:7:8:53', COLONS],
  ['a.test:5-1', "the range '5-1' runs backwards"],
  ['a.test:5-7:80', "'5-7:80' is no port: a range leads to the same ports of the target"],
  ['a.test:514/sctp', "'/sctp' is no protocol: it is /tcp or /udp"],
  ['a.test/path', "'/path' is no protocol: it is /tcp or /udp"],
  ['a.test/', "'/' is no protocol: it is /tcp or /udp"],
  ['a.test/b/udp', 'that holds a path'],
  [':443', COLONS],
  ['/udp', COLONS],
  ['[2001:db8::1', COLONS],
])('parseTargets() refuses the entry %s', (text, hint) => {
  expect(() => parseTargets(text)).toThrow(new Error(hint));
});

import { expect, test } from 'vitest';

import { parseHosts } from '../../src/dns/hosts.ts';

const TEXT = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost
# 10.0.0.9 web
10.0.0.1   Web.Example.com  web # a comment web2
10.0.0.2 other web web
10.0.0.1 web
fd00::5\tweb
not-an-address web
10.0.0.300 web
10.0.0.7
\t 10.0.0.8 \tindented\r
10.0.0.6 dotted.
`;

test.each([
  ['localhost', ['127.0.0.1', '::1']],
  ['web', ['10.0.0.1', '10.0.0.2', '10.0.0.1', 'fd00::5']],
  ['web.example.com', ['10.0.0.1']],
  ['WEB.example.COM', ['10.0.0.1']],
  ['indented', ['10.0.0.8']],
  ['dotted.', ['10.0.0.6']],
  ['dotted', []],
  ['web.', []],
  ['web2', []],
  ['constructor', []],
  ['', []],
])('parseHosts() finds %j at %j', (name, addresses) => {
  expect(parseHosts(TEXT)(name).map(({ address }) => address)).toEqual(addresses);
});

test('parseHosts() tells the family', () => {
  expect(parseHosts(TEXT)('localhost')).toEqual([
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ]);
});

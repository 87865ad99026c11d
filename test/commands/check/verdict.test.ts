import { expect, test } from 'vitest';

import { judge, parseAsked } from '../../../src/commands/check/verdict.ts';
import { parseConfig } from '../../../src/config/config.ts';
import { UsageError } from '../../../src/lib/arguments.ts';

type Environment = Readonly<Record<string, string>>;

const ask = (name: string, environment: Environment) => judge(parseAsked(name), parseConfig(environment));

const many = {
  TARGET:
    'api.test *.s3.test:443 db.test:5432 cache.test:6380:6379 logs.test:514/udp range.test:5000-5002 [::1]:8443',
  PORT: '443',
};
const one = { TARGET: 'api.test', PORT: '443 8443:443' };
const beside = { ...many, MODE: 'tcp http-proxy' };
const proxy = { TARGET: 'api.test git.test:22 logs.test:514/udp', PORT: '80 443', MODE: 'http-proxy' };

test.each<[string, Environment, string[]]>([
  ['api.test', many, ['443 → api.test:443, name checked']],
  ['api.test:443', many, ['443 → api.test:443, name checked']],
  ['API.Test.:443/tcp', many, ['443 → api.test:443, name checked']],
  ['x.y.s3.test:443', many, ['443 → x.y.s3.test:443, name checked']],
  ['db.test', many, ['5432 → db.test:5432, name not checked']],
  ['cache.test:6380', many, ['6380 → cache.test:6379, name not checked']],
  ['logs.test:514', many, ['514/udp → logs.test:514, datagrams carry no name']],
  ['logs.test/udp', many, ['514/udp → logs.test:514, datagrams carry no name']],
  ['range.test', many, ['5000-5002 → range.test:5000-5002, name not checked']],
  ['range.test:5001', many, ['5001 → range.test:5001, name not checked']],
  ['[0:0:0:0:0:0:0:1]:8443', many, ['8443 → [::1]:8443, name not checked']],
  ['api.test', one, ['443 → api.test:443, name not checked', '8443 → api.test:443, name not checked']],
  ['api.test:443', { ...one, NAME_CHECK: 'enforce' }, ['443 → api.test:443, name checked']],
  ['api.test:443', { ...one, NAME_CHECK: 'report' }, ['443 → api.test:443, other names only reported']],
  [
    'cache.test',
    beside,
    ['6380 → cache.test:6379, name not checked', '3128 (forward proxy) → cache.test:6379, name checked'],
  ],
  ['cache.test:6379', beside, ['3128 (forward proxy) → cache.test:6379, name checked']],
  [
    'api.test',
    proxy,
    ['3128 (forward proxy) → api.test:80, name checked', '3128 (forward proxy) → api.test:443, name checked'],
  ],
  [
    'git.test:22',
    { ...proxy, NAME_CHECK: 'off', LISTEN: '8080' },
    ['8080 (forward proxy) → git.test:22, name checked outside tunnels alone'],
  ],
  [
    'range.test',
    { TARGET: 'range.test:5000-5001 b.test:5001' },
    ['5000 → range.test:5000, name not checked', '5001 → range.test:5001, name checked'],
  ],
  ['x_y.s3.test', many, ['443 → x_y.s3.test:443, name checked']],
])('%s is allowed with %j', (name, environment, ways) => {
  expect(ask(name, environment)).toEqual({ isAllowed: true, lines: ways.map((way) => `allowed: ${way}`) });
});

test.each<[string, Environment, string[]]>([
  ['other.test:443', many, ['refused: other.test:443 is not in TARGET']],
  ['apo.test:443', many, ['refused: apo.test:443 is not in TARGET: did you mean api.test?']],
  [
    's3.test:443',
    many,
    ['refused: s3.test:443 is not in TARGET: *.s3.test stands for the names below it alone'],
  ],
  [
    'S3.test.',
    { TARGET: '*.s3.test' },
    ['refused: s3.test. is not in TARGET: *.s3.test stands for the names below it alone'],
  ],
  [
    'other.test:443',
    { TARGET: 'api.test', MODE: 'http-proxy', NAME_CHECK: 'off' },
    ['refused: other.test:443 is not in TARGET'],
  ],
  ['api.test:80', many, ['refused: api.test:80 is not in PORT: it has 443']],
  ['cache.test:6379', many, ['refused: cache.test:6379 is not in PORT: it has 6380']],
  ['cache.test:443', proxy, ['refused: cache.test:443 is not in TARGET']],
  ['api.test:443/udp', many, ['refused: api.test:443/udp is not in PORT: it has 443']],
  ['logs.test:514/tcp', many, ['refused: logs.test:514/tcp is not in PORT: it has 514/udp']],
  ['range.test:443', many, ['refused: range.test:443 is not in PORT: it has 5000, 5001, 5002']],
  ['api.test:22', proxy, ['refused: api.test:22 is not in PORT: it has 443, 80']],
  ['192.0.2.1:443', many, ['refused: 192.0.2.1:443 is not in TARGET']],
  ['other.test', { ...one, NAME_CHECK: 'enforce' }, ['refused: other.test is not in TARGET']],
])('%s is refused with %j', (name, environment, lines) => {
  expect(ask(name, environment)).toEqual({ isAllowed: false, lines });
});

test.each<[string, Environment, string[]]>([
  [
    'api.test:5432',
    many,
    ['api.test:5432 is not in PORT: it has 443', '5432 → db.test:5432, name not checked'],
  ],
  [
    'db.test:514/udp',
    many,
    ['db.test:514/udp is not in PORT: it has 5432', '514/udp → logs.test:514, datagrams carry no name'],
  ],
  [
    'other.test',
    one,
    [
      'other.test is not in TARGET',
      '443 → api.test:443, name not checked',
      '8443 → api.test:443, name not checked',
    ],
  ],
  [
    'b.c:443',
    { ...one, NAME_CHECK: 'report' },
    ['b.c:443 is not in TARGET', '443 → api.test:443, other names only reported'],
  ],
  [
    'b.c:53/udp',
    { TARGET: 'a.test:53/udp api.test:53/tcp' },
    ['b.c:53/udp is not in TARGET', '53/udp → a.test:53, datagrams carry no name'],
  ],
  ['b.c', proxy, ['b.c is not in TARGET', '514/udp → logs.test:514, datagrams carry no name']],
])(
  '%s is not allowed with %j, and what is open to it all the same is told',
  (name, environment, [reason, ...open]) => {
    expect(ask(name, environment)).toEqual({
      isAllowed: false,
      lines: [`not allowed: ${reason}`, ...open.map((way) => `open to any name: ${way}`)],
    });
  },
);

test.each([
  ['', 'no name is listed'],
  ['a.test b.test', 'that is more than one name'],
  ['*.a.test:443', 'that is a wildcard, and a client asks for a name below it'],
  ['a.test:443:8443', 'a client asks for one port'],
  ['a.test:1-2', 'a client asks for one port'],
  ['a..test', 'that is no host name'],
  ['https://a.test/', 'that is a URL; only its host name belongs here'],
  ['a.test/sctp', "'/sctp' is no protocol: it is /tcp or /udp"],
  ['a.test:0', "'0' is no port from 1 to 65535"],
])('parseAsked() takes no %j', (text, problem) => {
  const message = `'${text}': ${problem}; check takes NAME[:PORT][/udp], such as api.example.com:443`;
  expect(() => parseAsked(text)).toThrow(new UsageError(message));
});

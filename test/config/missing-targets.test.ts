import { expect, test } from 'vitest';

import { parseConfig } from '../../src/config/config.ts';
import { missingTargets } from '../../src/config/missing-targets.ts';

/** `evil.test@443`, or `evil.test:8443@3128` of a forward proxy on port 3128; `evil.test@53/dns`. */
function wanted(text: string) {
  const [, name = '', to, port, dns] = /^(.*?)(?::(\d+))?@(\d+)(\/dns)?$/.exec(text) ?? [];
  return {
    name,
    to: to === undefined ? null : Number(to),
    port: Number(port),
    protocol: dns === undefined ? 'tcp' : 'dns',
  } as const;
}

const PROXY = { MODE: 'http-proxy', LISTEN: '3128' };
const BOTH = { MODE: 'tcp http-proxy', LISTEN: '3128' };

test.each([
  ['a port of PORT', { TARGET: 'a.test b.test', PORT: '443' }, ['z.test@443', 'c.test@443'], 'c.test z.test'],
  ['PORT itself as it is', { TARGET: 'a.test *.b.test' }, ['c.test@80', 'c.test@443'], 'c.test'],
  ['a port of its own', { TARGET: 'a.test b.test *.b.test:8443' }, ['c.test@8443'], 'c.test:8443'],
  ['a pair of PORT', { TARGET: 'a.test b.test', PORT: '8443:443' }, ['c.test@8443'], 'c.test'],
  ['a pair of a rule', { TARGET: 'a.test:6380:6379 b.test:6380:6379' }, ['c.test@6380'], 'c.test:6380:6379'],
  ['pairs that differ', { TARGET: 'a.test:8443:443 b.test:8443' }, ['c.test@8443'], 'c.test:8443'],
  [
    'a name that is listed with one of the ports of PORT',
    { TARGET: 'a.test a2.test b.test:443 *.c.test:80', PORT: '80 443' },
    ['b.test@80'],
    'b.test:80',
  ],
  [
    'MODE=udp, the protocol of whatever names none',
    { TARGET: 'a.test:443/tcp b.test:443/tcp u.test', MODE: 'udp', PORT: '53' },
    ['c.test@443'],
    'c.test:443/tcp',
  ],
  [
    'a forward proxy',
    { TARGET: 'a.test', PORT: '443', ...PROXY },
    ['b.test:443@3128', 'b.test:8443@3128', '192.0.2.1:22@3128', '2001:db8::1:443@3128'],
    '192.0.2.1:22 2001:db8::1 b.test b.test:8443',
  ],
  [
    'a forward proxy beside relays',
    { TARGET: 'a.test', PORT: '8443:443', ...BOTH },
    ['b.test:443@3128'],
    'b.test',
  ],
  [
    'names that are learned',
    { NAME_CHECK: 'learn', TARGET: '* a.test:5432 b.test', PORT: '443' },
    ['c.test@443', 'b.test@443'],
    'c.test',
  ],
  [
    'names that are learned by a forward proxy',
    { NAME_CHECK: 'learn', TARGET: '*', PORT: '443', ...PROXY },
    ['c.test:443@3128', 'c.test:22@3128'],
    'c.test c.test:22',
  ],
  [
    'names that DNS alone was asked for',
    { TARGET: 'a.test:5432 *.b.test', PORT: '443' },
    ['c.test@53/dns', 'd.test@53/dns', 'd.test@8443', 'x.b.test@53/dns', 'a.test@53/dns'],
    'c.test d.test:8443',
  ],
  ['a port that is gone', { TARGET: 'a.test b.test', PORT: '443' }, ['c.test@8443'], 'c.test:8443'],
])('missingTargets() knows %s', (_what, environment, asked, entries) => {
  const config = parseConfig(environment);
  expect(missingTargets(asked.map(wanted), config).join(' ')).toBe(entries);
  // With them, they are allowed, and nothing is missing any more.
  const { TARGET } = environment;
  const listed = TARGET.split(' ').filter((entry) => entry !== '*');
  const next = parseConfig({ ...environment, NAME_CHECK: undefined, TARGET: [...listed, entries].join(' ') });
  expect(missingTargets(asked.map(wanted), next)).toEqual([]);
});

test.each([
  ['is allowed by now', { TARGET: 'a.test *.b.test', PORT: '443' }, ['a.test@443', 'x.b.test@443']],
  ['is allowed by now, by a proxy', { TARGET: 'a.test', PORT: '443', ...PROXY }, ['a.test:443@3128']],
  [
    'is no name',
    { TARGET: 'a.test b.test', PORT: '443' },
    ['a b@443', '*@443', 'x..test@443', '@443', '@53/dns'],
  ],
  ['names no port to a proxy', { TARGET: 'a.test', PORT: '443', ...PROXY }, ['b.test@3128']],
  ['has no name of its own', { TARGET: 'a.test b.test', PORT: '443' }, ['1.2.0.192.in-addr.arpa@53/dns']],
  ['is an address, which no client can say', { TARGET: 'a.test b.test', PORT: '443' }, ['192.0.2.1@443']],
  ['is a port that only CONNECT names', { TARGET: 'a.test b.test', PORT: '443' }, ['c.test:444@443']],
])('missingTargets() leaves out what %s', (_what, environment, asked) => {
  expect(missingTargets(asked.map(wanted), parseConfig(environment))).toEqual([]);
});

import { expect, test } from 'vitest';

import { parseConfig } from '../../src/config/config.ts';
import { problemsOf } from '../helpers/config.ts';

test.each([
  ['ALLOWED_HOSTS', 'a.test b.test', 'write TARGET="a.test b.test", and the ports of each'],
  ['RESOLVE_INTERVAL', '60', 'write PRE_RESOLVE=1, which asks for each name again before its TTL ends'],
  ['DNS_UPSTREAMS', '1.1.1.1', 'write PRE_RESOLVE=1 and NAMESERVERS="1.1.1.1"'],
  ['DNS_INTERNAL_NAMES', 'db', "leave it out, as Docker's own DNS knows them, and is asked before DNS=1"],
  [
    'MODE_RUN',
    'net_setup',
    "leave it out, and the sidecar with it: the app finds the door by DNS=1 and the app's dns:",
  ],
])('who comes from docker-whitelist-gateway with %s=%s is told what to write', (name, value, instead) => {
  expect(parseConfig({ TARGET: 'a.test', [name]: value }).warnings).toEqual([
    `${name} is set, but is docker-whitelist-gateway's: ${instead}`,
  ]);
  expect(parseConfig({ TARGET: 'a.test', [name]: ' ' }).warnings).toEqual([]);
});

test('where its configuration cannot be used at all, that is told beside the problems', () => {
  const environment = { ALLOWED_HOSTS: 'a.test', PORT: '*' };
  expect(problemsOf(environment)).toEqual([
    expect.stringMatching(/^TARGET is not set/),
    expect.stringMatching(/^PORT="\*": '\*' is no port: there is no wildcard, so list the ports/),
  ]);
  expect(() => parseConfig(environment)).toThrow('write TARGET="a.test", and the ports of each');
});

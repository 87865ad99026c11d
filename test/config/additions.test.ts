import { expect, test } from 'vitest';

import { Additions } from '../../src/config/additions.ts';
import { parseConfig } from '../../src/config/config.ts';
import { problemsOf } from '../helpers/config.ts';

type Environment = Readonly<Record<string, string>>;

/** What may be added of some entries, and what not and why. A relay would start with what may. */
function find(environment: Environment, entries: readonly string[]) {
  const { added, leftOut } = new Additions(environment).find(entries, parseConfig(environment));
  const { TARGET = '' } = environment;
  const enforced = environment['NAME_CHECK'] === 'report' ? { NAME_CHECK: 'enforce' } : {};
  expect(problemsOf({ ...environment, ...enforced, TARGET: [TARGET, ...added].join(' ') })).toEqual([]);
  return { added: added.join(' '), leftOut: leftOut.map((each) => [each.entries.join(' '), each.problem]) };
}

const serverFirst = (names: string, port: string) =>
  `TARGET="${names}": on port ${port} the server speaks first, before a client says a name, but has to choose the target: give such a target a port of its own`;
const BESIDE = { MODE: 'tcp http-proxy', TARGET: 'a.test', PORT: '443' };

test.each<[Environment, string, string]>([
  [{ TARGET: 'a.test b.test', PORT: '443' }, 'x.test z.test', 'x.test z.test'],
  [{ TARGET: 'mail.test', PORT: '587' }, 'x.test:443', 'x.test:443'],
  [{ NAME_CHECK: 'learn', PORT: '443' }, 'x.test', 'x.test'],
  [{ NAME_CHECK: 'learn', TARGET: '* a.test:22', PORT: '443' }, 'x.test x.test:5432', 'x.test x.test:5432'],
  [{ NAME_CHECK: 'report', TARGET: 'a.test', PORT: '443' }, 'x.test', 'x.test'],
  [{ MODE: 'http-proxy', TARGET: 'a.test', DNS: '1' }, 'x.test:53 y.test:3128', 'x.test:53 y.test:3128'],
])('with %j all of %s may be added', (environment, entries, added) => {
  expect(find(environment, entries.split(' '))).toEqual({ added, leftOut: [] });
});

test.each<[Environment, string, string, [string, string][]]>([
  [
    { TARGET: 'mail.test', PORT: '587', DNS: '1' },
    'w.test x.test y.test:443',
    'y.test:443',
    [['w.test x.test', serverFirst('mail.test w.test', '587 (SMTP)')]],
  ],
  [
    { MODE: 'udp', TARGET: 'logs.test', PORT: '514', DNS: '1' },
    'x.test',
    '',
    [
      [
        'x.test',
        'TARGET="logs.test x.test": a port of UDP belongs to one name and no wildcard, as datagrams carry no name to choose by (514/udp)',
      ],
    ],
  ],
  [
    { TARGET: '192.0.2.1', PORT: '443', DNS: '1' },
    'x.test y.test',
    '',
    [['x.test y.test', expect.stringMatching(/^TARGET="192.0.2.1 x.test": 192.0.2.1 is no name/) as string]],
  ],
  [
    { NAME_CHECK: 'off', TARGET: 'a.test', PORT: '443', DNS: '1' },
    'x.test',
    '',
    [['x.test', expect.stringMatching(/^NAME_CHECK=off: with several names/) as string]],
  ],
  [
    BESIDE,
    '192.0.2.1 b.test',
    'b.test',
    [
      [
        '192.0.2.1',
        expect.stringMatching(/^TARGET="192.0.2.1 a.test b.test": 192.0.2.1 is no name/) as string,
      ],
    ],
  ],
  // Of those that are new, names share a port and come first.
  [BESIDE, '192.0.2.1:8443 b.test:8443', 'b.test:8443', [['192.0.2.1:8443', expect.any(String) as string]]],
  [
    BESIDE,
    'b.test:22 c.test:22 d.test:22 d.test:8443',
    'b.test:22 d.test:8443',
    [['c.test:22 d.test:22', serverFirst('b.test c.test', '22 (SSH)')]],
  ],
  [
    { ...BESIDE, DNS: '1', ADMIN_PORT: '9000' },
    'b.test b.test:22 b.test:3128 b.test:53 b.test:9000',
    'b.test b.test:22',
    [
      ['b.test:3128', 'LISTEN=3128: TARGET and PORT have a relay listen on that port, for b.test'],
      ['b.test:53', 'DNS=1: TARGET and PORT have a relay listen on port 53 too, for b.test'],
      [
        'b.test:9000',
        'ADMIN_PORT=9000: TARGET and PORT have a relay listen on that port, for b.test: take another',
      ],
    ],
  ],
  [
    { ...BESIDE, TARGET: 'a.test b.test:8443:443' },
    'b.test:8443 c.test:8443 d.test:8443',
    'c.test:8443 d.test:8443',
    [['b.test:8443', 'TARGET: b.test:8443/tcp is to lead to both port 443 and port 8443']],
  ],
  [
    { TARGET: 'a.test', PORT: '443', DNS: '1', NAME_ADDRESSES: '192.0.2.0/29' },
    'b.test c.test d.test e.test f.test g.test h.test',
    'b.test c.test d.test e.test f.test',
    [['g.test h.test', 'NAME_ADDRESSES=192.0.2.0/29: TARGET has 7 names, and there is room for 6']],
  ],
  [
    {
      TARGET: 'a.test',
      PORT: '443',
      HTTP_HEALTHCHECK: '1',
      HTTP_HEALTHCHECK_URL: 'https://b.test/',
    },
    'c.test',
    '',
    [['c.test', expect.stringContaining('b.test is not in TARGET') as string]],
  ],
])('with %j of %s only "%s" may be added', (environment, entries, added, leftOut) => {
  expect(find(environment, entries.split(' '))).toEqual({ added, leftOut });
});

test('what may be added is told of the list in force, which a file may have changed', () => {
  const environment = { TARGET_FILE: '/nowhere', PORT: '587' };
  const additions = new Additions(environment);
  const nameCheck = 'off';
  expect(additions.find(['x.test'], { nameCheck, targetText: 'a.test:80' }).added).toEqual(['x.test']);
  expect(additions.find(['x.test'], { nameCheck, targetText: 'a.test' }).added).toEqual([]);
  expect(additions.find(['y.test:443'], { nameCheck, targetText: 'a.test' }).added).toEqual(['y.test:443']);
});

test('of a thousand entries that cannot be added, each in a way of its own, only some are tried', () => {
  const ports = Array.from({ length: 500 }, (_, i) => 1_000 + i);
  const environment = { MODE: 'tcp http-proxy', TARGET: 'a.test:1000-1499 b.test:1000-1499' };
  const entries = ports.flatMap((port) => [`192.0.2.1:${port}`, `192.0.2.2:${port}`]);
  let trials = 0;
  const counting = new Proxy(environment, { ownKeys: (target) => (trials++, Reflect.ownKeys(target)) });
  const { added, leftOut } = new Additions(counting).find([...entries, 'c.test:443'], {
    targetText: null,
    nameCheck: 'enforce',
  });
  expect(added).toEqual(['c.test:443']);
  expect(leftOut.flatMap((each) => each.entries).toSorted()).toEqual(entries.toSorted());
  expect(leftOut.at(-1)?.problem).toBe('not tried, as too many others cannot be added');
  expect(trials).toBe(16);
});

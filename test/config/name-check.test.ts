import { expect, test } from 'vitest';

import { parseConfig } from '../../src/config/config.ts';
import { problemsOf } from '../helpers/config.ts';

const one = { TARGET: 'a.test' };
const several = { TARGET: 'a.test b.test' };
const wildcard = { TARGET: '*.a.test' };
const address = { TARGET: '192.0.2.1' };
const proxy = { MODE: 'http-proxy' };
const udp = { MODE: 'udp' };

test.each([
  [one, 'off'],
  [address, 'off'],
  [{ ...one, NAME_CHECK: 'off' }, 'off'],
  [{ ...one, NAME_CHECK: 'Report' }, 'report'],
  [{ ...one, NAME_CHECK: 'enforce' }, 'enforce'],
  [several, 'enforce'],
  [wildcard, 'enforce'],
  [{ ...several, NAME_CHECK: 'enforce' }, 'enforce'],
  [{ ...one, ...proxy }, 'enforce'],
  [{ ...one, ...proxy, NAME_CHECK: 'off' }, 'off'],
  [{ ...one, ...proxy, PORT: '22 443' }, 'enforce'],
  [{ ...several, ...proxy, PORT: '22 443' }, 'enforce'],
  [{ ...one, ...proxy, NAME_CHECK: 'report', PORT: '25' }, 'report'],
  [{ ...address, ...proxy, NAME_CHECK: 'off' }, 'off'],
  [{ ...several, ...proxy }, 'enforce'],
  [{ ...wildcard, ...proxy }, 'enforce'],
  [{ ...several, ...proxy, NAME_CHECK: 'off' }, 'off'],
  [{ ...wildcard, ...proxy, NAME_CHECK: 'report' }, 'report'],
  [{ TARGET: 'a.test 192.0.2.1', ...proxy, NAME_CHECK: 'off' }, 'off'],
  [{ ...one, ...udp }, 'off'],
  [{ ...one, ...udp, NAME_CHECK: 'off' }, 'off'],
  [{ ...one, PORT: '25' }, 'off'],
  [{ ...several, ...proxy, NAME_CHECK: 'off', PORT: '22 443' }, 'off'],
  [{ ...several, PORT: '25:443 465 993' }, 'enforce'],
])('with %j names are checked: %s', (environment, nameCheck) => {
  expect(parseConfig(environment).nameCheck).toBe(nameCheck);
});

const noWayOut =
  'with several names or a wildcard in TARGET it can only be enforce, as other names have nowhere to go';
const first = 'the server speaks first, before a client names it, and names are checked';

test.each<[Record<string, string>, string[]]>([
  [{ ...several, NAME_CHECK: 'off' }, [`NAME_CHECK=off: ${noWayOut}`]],
  [{ ...wildcard, NAME_CHECK: 'report' }, [`NAME_CHECK=report: ${noWayOut}`]],
  [
    { ...several, ...udp },
    [
      'TARGET="a.test b.test": MODE=udp takes one name and no wildcard, as datagrams carry no name to choose by',
    ],
  ],
  [
    { ...wildcard, ...udp, NAME_CHECK: 'enforce' },
    [
      'TARGET="*.a.test": MODE=udp takes one name and no wildcard, as datagrams carry no name to choose by',
      'NAME_CHECK=enforce: goes with MODE=tcp and MODE=http-proxy only, as datagrams carry no name',
    ],
  ],
  [
    { ...one, ...udp, NAME_CHECK: 'report', PORT: '25' },
    ['NAME_CHECK=report: goes with MODE=tcp and MODE=http-proxy only, as datagrams carry no name'],
  ],
  [
    { ...address, NAME_CHECK: 'report' },
    ['TARGET: 192.0.2.1 is no name to check (NAME_CHECK=report): set NAME_CHECK=off'],
  ],
  [
    { TARGET: 'a.test 192.0.2.1 ::1' },
    [
      'TARGET: 192.0.2.1 is no name to check (NAME_CHECK=enforce): give such a target a relay of its own',
      'TARGET: ::1 is no name to check (NAME_CHECK=enforce): give such a target a relay of its own',
    ],
  ],
  [
    { ...address, ...proxy },
    ['TARGET: 192.0.2.1 is no name to check (NAME_CHECK=enforce): set NAME_CHECK=off'],
  ],
  [
    { TARGET: 'a.test 192.0.2.1', ...proxy },
    ['TARGET: 192.0.2.1 is no name to check (NAME_CHECK=enforce): set NAME_CHECK=off'],
  ],
  [
    { ...one, NAME_CHECK: 'enforce', PORT: '443 2525:25' },
    [`PORT: on port 25 (SMTP) ${first} (NAME_CHECK=enforce): set NAME_CHECK=off`],
  ],
  [
    { ...several, PORT: '22 3306' },
    [
      `PORT: on port 22 (SSH) ${first} (NAME_CHECK=enforce): give such a target a relay of its own`,
      `PORT: on port 3306 (MySQL) ${first} (NAME_CHECK=enforce): give such a target a relay of its own`,
    ],
  ],
  [
    { ...one, TLS_ECH: 'refuse' },
    ['TLS_ECH=refuse: goes with NAME_CHECK=report or enforce only, as nothing is read without'],
  ],
  [
    { ...one, ...udp, TLS_ECH: 'refuse' },
    ['TLS_ECH=refuse: goes with NAME_CHECK=report or enforce only, as nothing is read without'],
  ],
])('%j is refused', (environment, problems) => {
  expect(problemsOf(environment)).toEqual(problems);
});

test.each(['21', '22', '25', '110', '143', '587', '3306'])(
  'names cannot be checked on port %s, where the server speaks first',
  (PORT) => {
    expect(problemsOf({ ...several, PORT })).toEqual([expect.stringContaining(`on port ${PORT} `)]);
    expect(problemsOf({ ...one, PORT })).toEqual([]);
    expect(problemsOf({ ...several, ...proxy, PORT })).toEqual([]);
  },
);

test.each<[Record<string, string>, string]>([
  [{ ...one, NAME_CHECK: 'offf', TLS_ECH: 'refuse' }, 'NAME_CHECK="offf"'],
  [{ ...several, ...proxy, NAME_CHECK: 'offf', PORT: '22' }, 'NAME_CHECK="offf"'],
  [{ TLS_ECH: 'refuse' }, 'TARGET is not set'],
  [{ ...several, MODE: 'sctp', PORT: '443', LISTEN: '8080' }, 'MODE="sctp"'],
  [{ ...one, LISTEN: '0' }, 'LISTEN="0"'],
  [
    { ...proxy, HTTP_HEALTHCHECK: '1', HTTP_HEALTHCHECK_URL: 'http://a.test/ http://$TARGET/' },
    'TARGET is not set',
  ],
  [{ ...one, ...proxy, PORT: '0', HTTP_HEALTHCHECK: '1' }, 'PORT="0"'],
])('of %j only the cause is reported', (environment, start) => {
  expect(problemsOf(environment)).toEqual([expect.stringMatching(new RegExp(`^${start}`))]);
});

test('a list that nothing but TARGET can tell about does not hide what NAME_CHECK=enforce forbids', () => {
  expect(problemsOf({ NAME_CHECK: 'enforce', PORT: '25' })).toEqual([
    expect.stringMatching(/^TARGET is not set/),
    expect.stringMatching(/^PORT: on port 25/),
  ]);
});

test('a NAME_CHECK that cannot be read does not hide what several names forbid whatever it says', () => {
  expect(problemsOf({ ...several, NAME_CHECK: 'offf', PORT: '22 443' })).toEqual([
    expect.stringMatching(/^NAME_CHECK="offf"/),
    expect.stringMatching(/^PORT: on port 22/),
  ]);
  expect(problemsOf({ ...several, ...udp, NAME_CHECK: 'offf' })).toEqual([
    expect.stringMatching(/^NAME_CHECK="offf"/),
    expect.stringMatching(/^TARGET="a.test b.test": MODE=udp takes one name/),
  ]);
});

test('TLS_ECH=refuse goes with names that are checked', () => {
  expect(parseConfig({ ...several, TLS_ECH: 'refuse' }).tlsEch).toBe('refuse');
  expect(parseConfig({ ...one, NAME_CHECK: 'report', TLS_ECH: 'refuse' }).tlsEch).toBe('refuse');
});

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
  [{ ...address, ...proxy }, 'enforce'],
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

const noWayOut = 'it can only be enforce, as other names have nowhere to go';
const needsOwnPort = 'but has to choose the target: give such a target a port of its own';
const unread = 'TLS_ECH=refuse: goes with NAME_CHECK=report or enforce only, as nothing is read without';

test.each<[Record<string, string>, string[]]>([
  [
    { ...several, NAME_CHECK: 'off' },
    [`NAME_CHECK=off: with several names or a wildcard on port 443, 80 ${noWayOut}`],
  ],
  [
    { TARGET: 'a.test *.b.test:8443', NAME_CHECK: 'report' },
    [`NAME_CHECK=report: with several names or a wildcard on port 8443 ${noWayOut}`],
  ],
  [
    { ...one, ...udp, NAME_CHECK: 'report' },
    ['NAME_CHECK=report: goes with MODE=tcp and MODE=http-proxy only, as datagrams carry no name'],
  ],
  [{ ...address, NAME_CHECK: 'report' }, ['NAME_CHECK=report: 192.0.2.1 is no name to check']],
  [
    { TARGET: 'a.test 192.0.2.1 ::1' },
    [
      `TARGET="192.0.2.1 ::1 a.test": 192.0.2.1 is no name that a client could say, ${needsOwnPort}`,
      `TARGET="192.0.2.1 ::1 a.test": ::1 is no name that a client could say, ${needsOwnPort}`,
    ],
  ],
  [
    { TARGET: 'a.test:22 b.test:22 a.test:3307:3306 *.c.test:3307:3306' },
    [
      `TARGET="a.test b.test": on port 22 (SSH) the server speaks first, before a client says a name, ${needsOwnPort}`,
      `TARGET="*.c.test a.test": on port 3306 (MySQL) the server speaks first, before a client says a name, ${needsOwnPort}`,
    ],
  ],
  [
    { TARGET: 'a.test:22 b.test:22 c.test:222:22 d.test:222:22 e.test:22222:22 f.test:80' },
    [
      `TARGET="a.test b.test c.test d.test": on port 22 (SSH) the server speaks first, before a client says a name, ${needsOwnPort}`,
    ],
  ],
  [{ ...one, TLS_ECH: 'refuse' }, [unread]],
  [{ ...one, ...udp, TLS_ECH: 'refuse' }, [unread]],
  [{ ...one, PORT: '25', NAME_CHECK: 'enforce', TLS_ECH: 'refuse' }, [unread]],
])('%j is refused', (environment, problems) => {
  expect(problemsOf(environment)).toEqual(problems);
});

test.each<[Record<string, string>, Record<number, string>, string[]]>([
  [
    { TARGET: 'a.test:443 smtp.test:587', NAME_CHECK: 'enforce' },
    { 443: 'enforce', 587: 'off' },
    ['on port 587 (SMTP) the server speaks first, before a client says a name'],
  ],
  [
    { TARGET: 'a.test', PORT: '443 2525:25', NAME_CHECK: 'report' },
    { 443: 'report', 2525: 'off' },
    ['on port 25 (SMTP) the server speaks first, before a client says a name'],
  ],
  [
    { TARGET: 'a.test:443 192.0.2.1:8443', NAME_CHECK: 'enforce' },
    { 443: 'enforce', 8443: 'off' },
    ['192.0.2.1 is no name that a client could say'],
  ],
  [
    { TARGET: 'smtp.test:25', NAME_CHECK: 'enforce' },
    { 25: 'off' },
    ['on port 25 (SMTP) the server speaks first, before a client says a name'],
  ],
])('%j leaves out ports that cannot be checked, and says so', (environment, checks, reasons) => {
  const { listeners, warnings } = parseConfig(environment);
  expect(Object.fromEntries(listeners.map(({ port, nameCheck }) => [port, nameCheck]))).toEqual(checks);
  expect(warnings).toEqual(
    reasons.map((reason) => `NAME_CHECK=${environment['NAME_CHECK']} leaves a port out: ${reason}`),
  );
});

test('names are checked where one has to choose the target, and by the forward proxy', () => {
  const { listeners, nameCheck } = parseConfig({
    TARGET: 'a.test b.test db.test:5432 *.c.test:8443 logs.test:514/udp 192.0.2.1:22',
    PORT: '443',
    MODE: 'tcp http-proxy',
  });
  expect(listeners.map(({ kind, port, nameCheck: check }) => [kind, port, check])).toEqual([
    ['tcp', 443, 'enforce'],
    ['tcp', 5432, 'off'],
    ['tcp', 8443, 'enforce'],
    ['udp', 514, 'off'],
    ['tcp', 22, 'off'],
    ['http-proxy', 3128, 'enforce'],
  ]);
  expect(nameCheck).toBe('enforce');
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

test('a NAME_CHECK that cannot be read does not hide what several names forbid whatever it says', () => {
  expect(problemsOf({ ...several, NAME_CHECK: 'offf', PORT: '22 443' })).toEqual([
    expect.stringMatching(/^NAME_CHECK="offf"/),
    expect.stringMatching(/^TARGET="a.test b.test": on port 22/),
  ]);
  expect(problemsOf({ ...several, ...udp, NAME_CHECK: 'offf' })).toEqual([
    expect.stringMatching(/^NAME_CHECK="offf"/),
    expect.stringMatching(/^TARGET="a.test b.test": a port of UDP belongs to one name/),
  ]);
});

test('TLS_ECH=refuse goes with names that are checked', () => {
  expect(parseConfig({ ...several, TLS_ECH: 'refuse' }).tlsEch).toBe('refuse');
  expect(parseConfig({ ...one, NAME_CHECK: 'report', TLS_ECH: 'refuse' }).tlsEch).toBe('refuse');
});

import { expect, test } from 'vitest';

import { describeStatus } from '../../src/commands/describe-status.ts';
import type { Status } from '../../src/control/protocol.ts';

const IDLE = {
  protocol: 'tcp' as const,
  live: 0,
  waiting: 0,
  limit: 100,
  opened: 0,
  refused: 0,
  refusedBy: {},
  unanswered: 0,
  sent: 0,
  received: 0,
  lost: 0,
  lastFailure: null,
  errors: [],
};

const UNUSED = {
  addresses: [],
  leftOut: 0,
  age: null,
  ttl: null,
  problem: null,
  connections: 0,
  sent: 0,
  received: 0,
  refused: 0,
  ownAddresses: [],
};

const status: Status = {
  version: '1.2.3',
  mode: 'tcp',
  targets: ['api.test', '*.wild.test', '10.1.2.3'],
  nameCheck: 'off',
  dns: null,
  targetFile: null,
  fastLane: null,
  uptime: 90,
  draining: false,
  blackout: { state: 'off', by: 'start', since: '2026-11-25T12:00:00.000Z', until: null },
  linesDropped: { budget: 0, output: 0 },
  preResolve: true,
  loops: [],
  refusals: [],
  names: [
    {
      name: 'api.test',
      addresses: ['192.0.2.1', '2001:db8::1'],
      leftOut: 0,
      age: 12,
      ttl: 300,
      problem: null,
      connections: 3,
      sent: 1_500,
      received: 20,
      refused: 6,
      ownAddresses: [],
    },
    { ...UNUSED, name: '10.1.2.3', addresses: ['10.1.2.3'] },
    { ...UNUSED, name: 'a.wild.test', problem: 'DNS is down' },
  ],
  ports: [
    { ...IDLE, port: 80, limit: null },
    {
      protocol: 'tcp',
      port: 8443,
      live: 100,
      waiting: 3,
      limit: 100,
      opened: 1_250,
      refused: 7,
      refusedBy: { 'not in TARGET': 2, 'target unreachable': 5 },
      unanswered: 4,
      sent: 1_234,
      received: 5_600_000,
      lost: 0,
      lastFailure: 'failed to connect',
      errors: [
        { at: '2026-01-01T10:00:00.000Z', client: '10.0.0.2:5', message: 'failed to connect', count: 5 },
        { at: '2026-01-01T10:00:09.000Z', client: null, message: 'b.test is not in TARGET', count: 2 },
      ],
    },
  ],
};

test('describeStatus() lists names and ports in columns', () => {
  expect(describeStatus(status)).toEqual([
    'sallyport 1.2.3, MODE=tcp, up 1 min 30 s',
    '',
    'NAME         AGE   TTL    CONNECTIONS  SENT    RECEIVED  REFUSED  ADDRESSES               PROBLEM',
    'api.test     12 s  300 s  3            1.5 kB  20 B      6        192.0.2.1, 2001:db8::1  -',
    '10.1.2.3     -     -      0            0 B     0 B       0        10.1.2.3                -',
    'a.wild.test  -     -      0            0 B     0 B       0        none yet                DNS is down',
    '*.wild.test: names below it are resolved when clients ask for them',
    '',
    'PORT  LIVE        WAITING  OPENED  SENT     RECEIVED  UNANSWERED  REFUSED  LAST FAILURE',
    '80    0           0        0       0 B      0 B       0           0        -',
    '8443  100 of 100  3        1250    1.23 kB  5.6 MB    4           7        failed to connect',
    '',
    'PORT  REFUSED  REASON',
    '8443  2        not in TARGET',
    '8443  5        target unreachable',
    '',
    'PORT  LAST ERRORS               TIMES  CLIENT      WHAT',
    '8443  2026-01-01T10:00:00.000Z  5      10.0.0.2:5  failed to connect',
    '8443  2026-01-01T10:00:09.000Z  2      -           b.test is not in TARGET',
  ]);
});

test('describeStatus() counts the addresses that are left out', () => {
  const [known] = status.names;
  const lines = describeStatus({
    ...status,
    names: known === undefined ? [] : [{ ...known, leftOut: 3_969 }],
  });
  expect(lines[3]).toMatch(/ 192\.0\.2\.1, 2001:db8::1, and 3969 more, left out +-$/);
});

test('describeStatus() says that with PRE_RESOLVE=0 no addresses are kept because they are asked for each time', () => {
  const names = [
    { ...UNUSED, name: 'api.test' },
    { ...UNUSED, name: '10.1.2.3', addresses: ['10.1.2.3'] },
  ];
  expect(describeStatus({ ...status, preResolve: false, names }).slice(2, 5)).toEqual([
    'NAME      AGE  TTL  CONNECTIONS  SENT  RECEIVED  REFUSED  ADDRESSES                     PROBLEM',
    'api.test  -    -    0            0 B   0 B       0        asked for at each connection  -',
    '10.1.2.3  -    -    0            0 B   0 B       0        10.1.2.3                      -',
  ]);
});

test('describeStatus() shows a blackout, since when and until when', () => {
  const since = '2026-11-25T12:00:00.000Z';
  const lines = (until: string | null) =>
    describeStatus({ ...status, blackout: { state: 'draining', by: 'command', since, until } });
  expect(lines(null).slice(1, 3)).toEqual([`blackout draining since ${since} (command)`, '']);
  const until = '2026-11-25T12:00:30.000Z';
  expect(lines(until)[1]).toBe(`blackout draining since ${since} (command), until ${until}`);
});

test('describeStatus() shows which targets lead to the relay itself', () => {
  const loops = ['api.test: it resolves to this relay itself'];
  expect(describeStatus({ ...status, loops }).slice(1, 3)).toEqual([...loops, '']);
});

test('describeStatus() shows how many log lines were dropped, and why', () => {
  expect(describeStatus({ ...status, linesDropped: { budget: 1_200, output: 3 } })[1]).toBe(
    'log lines dropped: 1200 beyond the budget, 3 that standard output did not take',
  );
});

test('describeStatus() shows the newest errors of all ports, and no more than fit', () => {
  const errorsOf = (port: number, seconds: readonly number[]) => ({
    ...IDLE,
    port,
    errors: seconds.map((second) => ({
      at: `2026-01-01T10:00:${second}.000Z`,
      client: null,
      message: `error ${second}`,
      count: 1,
    })),
  });
  const ports = [errorsOf(1, [10, 13, 14, 17, 19]), errorsOf(2, [11, 12, 15, 16, 18]), errorsOf(3, [20])];
  const lines = describeStatus({ ...status, ports });
  const shown = lines.map((line) => / error (\d+)$/.exec(line)?.[1]).filter((second) => second !== undefined);
  expect(shown).toEqual(['11', '12', '13', '14', '15', '16', '17', '18', '19', '20']);
});

test('describeStatus() shows lost datagrams where there are ports of UDP', () => {
  const ports = [{ ...IDLE, protocol: 'udp' as const, port: 53, lost: 12 }];
  expect(describeStatus({ ...status, mode: 'udp', ports }).slice(-2)).toEqual([
    'PORT  LIVE      WAITING  OPENED  SENT  RECEIVED  UNANSWERED  REFUSED  LOST  LAST FAILURE',
    '53    0 of 100  0        0       0 B   0 B       0           0        12    -',
  ]);
  expect(describeStatus(status).join('\n')).not.toContain('LOST');
});

test('describeStatus() tells ports of UDP from those of TCP where there are both', () => {
  const udp = { ...IDLE, protocol: 'udp' as const, port: 53 };
  const lines = describeStatus({ ...status, ports: [{ ...IDLE, port: 53 }, udp] });
  expect(lines.slice(-2).map((line) => line.split(' ')[0])).toEqual(['53', '53/udp']);
});

test('describeStatus() says that the relay is stopping', () => {
  expect(describeStatus({ ...status, draining: true })[0]).toMatch(/up 1 min 30 s, stopping$/);
});

test('describeStatus() needs no name that is known', () => {
  const lines = describeStatus({ ...status, targets: ['*.wild.test'], names: [] });
  expect(lines.slice(1, 4)).toEqual([
    '',
    '*.wild.test: names below it are resolved when clients ask for them',
    '',
  ]);
});

test.each([
  [0, '0 s'],
  [59, '59 s'],
  [60, '1 min'],
  [3_599, '59 min 59 s'],
  [3_600, '1 h'],
  [3_605, '1 h'],
  [86_399, '23 h 59 min'],
  [90_000, '1 d 1 h'],
  [864_000, '10 d'],
])('describeStatus() shows %i s up as %s', (uptime, shown) => {
  expect(describeStatus({ ...status, uptime })[0]).toBe(`sallyport 1.2.3, MODE=tcp, up ${shown}`);
});

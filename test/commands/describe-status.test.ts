import { expect, test } from 'vitest';

import { describeStatus } from '../../src/commands/describe-status.ts';
import type { Status } from '../../src/control/protocol.ts';

const status: Status = {
  version: '1.2.3',
  mode: 'tcp',
  targets: ['api.test', '*.wild.test', '10.1.2.3'],
  uptime: 90,
  blackout: { state: 'off', by: 'start', since: '2026-11-25T12:00:00.000Z', until: null },
  names: [
    { name: 'api.test', addresses: ['192.0.2.1', '2001:db8::1'], age: 12, ttl: 300, problem: null },
    { name: '10.1.2.3', addresses: ['10.1.2.3'], age: null, ttl: null, problem: null },
    { name: 'a.wild.test', addresses: [], age: null, ttl: null, problem: 'DNS is down' },
  ],
  ports: [
    { port: 80, live: 0, waiting: 0, lastFailure: null },
    { port: 8443, live: 100, waiting: 3, lastFailure: 'failed to connect' },
  ],
};

test('describeStatus() lists names and ports in columns', () => {
  expect(describeStatus(status).split('\n')).toEqual([
    'sallyport 1.2.3, MODE=tcp, up 1 min 30 s',
    '',
    'NAME         AGE   TTL    ADDRESSES               PROBLEM',
    'api.test     12 s  300 s  192.0.2.1, 2001:db8::1  -',
    '10.1.2.3     -     -      10.1.2.3                -',
    'a.wild.test  -     -      none kept               DNS is down',
    '*.wild.test: names below it are resolved when clients ask for them',
    '',
    'PORT  LIVE  WAITING  LAST FAILURE',
    '80    0     0        -',
    '8443  100   3        failed to connect',
  ]);
});

test('describeStatus() shows a blackout, since when and until when', () => {
  const since = '2026-11-25T12:00:00.000Z';
  const lines = (until: string | null) =>
    describeStatus({ ...status, blackout: { state: 'draining', by: 'command', since, until } }).split('\n');
  expect(lines(null).slice(1, 3)).toEqual([`blackout draining since ${since} (command)`, '']);
  const until = '2026-11-25T12:00:30.000Z';
  expect(lines(until)[1]).toBe(`blackout draining since ${since} (command), until ${until}`);
});

test('describeStatus() needs no name that is known', () => {
  const lines = describeStatus({ ...status, targets: ['*.wild.test'], names: [] }).split('\n');
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
  expect(describeStatus({ ...status, uptime }).split('\n')[0]).toBe(`sallyport 1.2.3, MODE=tcp, up ${shown}`);
});

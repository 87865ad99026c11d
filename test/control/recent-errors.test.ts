import { expect, test } from 'vitest';

import { keepErrors } from '../../src/control/recent-errors.ts';
import { testLog } from '../helpers/relay.ts';

test('keepErrors() keeps warnings about a port, and passes every line on', () => {
  const log = testLog();
  const errors = keepErrors(log);
  errors.log.warn({ port: 80, client: '10.0.0.2:5', err: new Error('no way') }, 'target unreachable');
  errors.log.warn({ port: 80, client: '10.0.0.2:6', reason: 'b.test is not in TARGET' }, 'refused');
  errors.log.warn({ port: 80, reason: 'c.test is not in TARGET', decision: 'would refuse' }, 'would refuse');
  errors.log.warn({ port: 80, live: 3 }, 'all slots are taken');
  errors.log.warn({ err: 'DNS is down' }, 'no port');
  errors.log.info({ port: 80, err: 'x' }, 'no warning');
  errors.log.debug({ port: 80, err: 'x' }, 'no warning');
  expect(log.lines.map(({ level }) => level)).toEqual([
    'warn',
    'warn',
    'warn',
    'warn',
    'warn',
    'info',
    'debug',
  ]);
  expect(errors.of(80)).toEqual([
    { at: expect.any(String), client: '10.0.0.2:5', message: 'no way', count: 1 },
    { at: expect.any(String), client: '10.0.0.2:6', message: 'b.test is not in TARGET', count: 1 },
    { at: expect.any(String), client: null, message: 'would be refused: c.test is not in TARGET', count: 1 },
  ]);
  expect(errors.of(443)).toEqual([]);
  expect(Date.now() - Date.parse(errors.of(80)[0]?.at ?? '')).toBeLessThan(60_000);
});

test('keepErrors() keeps the last few, the same one once, in its newest place', () => {
  const errors = keepErrors(testLog());
  for (const err of ['a', 'b', 'c', 'd', 'e', 'f', 'd']) errors.log.warn({ port: 80, err }, 'x');
  errors.log.warn({ port: 80, err: 'd' }, 'x', 5);
  const kept = errors.of(80).map(({ message, count }) => [message, count]);
  expect(kept).toEqual([
    ['b', 1],
    ['c', 1],
    ['e', 1],
    ['f', 1],
    ['d', 7],
  ]);
});

import { expect, test } from 'vitest';

import { keepErrors } from '../../src/control/recent-errors.ts';
import type { Lines } from '../../src/log/lines.ts';
import { testLog } from '../helpers/relay.ts';

const failure: Lines['target unreachable'] = {
  port: 80,
  protocol: 'tcp',
  client: '10.0.0.2:5',
  target: 'a.test:80',
  address: null,
  sent: 0,
  received: 0,
  ms: 3,
  err: 'ECONNREFUSED',
};
const refusal = (name: string, decision: Lines['refused']['decision']) => ({
  port: 80,
  protocol: 'tcp' as const,
  client: '10.0.0.2:6',
  name,
  rule: 'not in TARGET',
  reason: `${name} is not in TARGET`,
  decision,
});
const SHORT = 'no more clients can be accepted for now: they wait';

test('keepErrors() keeps warnings about a port, and passes every line on', () => {
  const log = testLog();
  const errors = keepErrors(log);
  errors.log.warn({ ...failure, err: new Error('no way') }, 'target unreachable');
  errors.log.warn(refusal('b.test', 'refused'), 'refused');
  errors.log.warn(refusal('c.test', 'would refuse'), 'would refuse');
  errors.log.warn({ port: 80, protocol: 'tcp', live: 3, waiting: 1 }, 'all slots are taken: clients wait');
  errors.log.warn({ err: 'it leads here' }, 'a target leads to this relay itself');
  errors.log.info(failure, 'connection failed');
  errors.log.debug(failure, 'connection failed');
  expect(log.lines.map(({ level }) => level)).toEqual([
    'warn',
    'warn',
    'warn',
    'warn',
    'warn',
    'info',
    'debug',
  ]);
  expect(errors.of({ port: 80, protocol: 'tcp' })).toEqual([
    { at: expect.any(String), client: '10.0.0.2:5', message: 'no way', count: 1 },
    { at: expect.any(String), client: '10.0.0.2:6', message: 'b.test is not in TARGET', count: 1 },
    {
      at: expect.any(String),
      client: '10.0.0.2:6',
      message: 'would be refused: c.test is not in TARGET',
      count: 1,
    },
  ]);
  expect(errors.of({ port: 443, protocol: 'tcp' })).toEqual([]);
  expect(Date.now() - Date.parse(errors.of({ port: 80, protocol: 'tcp' })[0]?.at ?? '')).toBeLessThan(60_000);
});

test('keepErrors() keeps the last few, the same one once, in its newest place', () => {
  const errors = keepErrors(testLog());
  for (const err of ['a', 'b', 'c', 'd', 'e', 'f', 'd'])
    errors.log.warn({ port: 80, protocol: 'tcp', err }, SHORT);
  errors.log.warn({ port: 80, protocol: 'tcp', err: 'd' }, SHORT, 5);
  const kept = errors
    .of({ port: 80, protocol: 'tcp' })
    .map(({ client, message, count }) => [client, message, count]);
  expect(kept).toEqual([
    [null, 'b', 1],
    [null, 'c', 1],
    [null, 'e', 1],
    [null, 'f', 1],
    [null, 'd', 7],
  ]);
});

test('keepErrors() keeps the newest refusals of all ports, those of the same name together', () => {
  const errors = keepErrors(testLog());
  errors.log.warn({ ...failure, err: new Error('no way') }, 'target unreachable');
  errors.log.warn(refusal('b.test', 'refused'), 'refused');
  errors.log.warn(refusal('c.test', 'would refuse'), 'would refuse');
  errors.log.warn({ ...refusal('b.test', 'refused'), client: '10.0.0.3:7' }, 'refused');
  expect(errors.refusals()).toMatchObject([
    { name: 'c.test', decision: 'would refuse', count: 1, client: '10.0.0.2:6', port: 80, protocol: 'tcp' },
    { name: 'b.test', decision: 'refused', count: 2, client: '10.0.0.3:7', rule: 'not in TARGET' },
  ]);
  for (let i = 0; i < 30; i++)
    errors.log.warn(refusal(`${i}${'x'.repeat(1_000)}.test`, 'refused'), 'refused');
  const names = errors.refusals().map(({ name }) => name ?? '');
  expect(names).toHaveLength(20);
  expect(names.at(-1)).toBe(`29${'x'.repeat(253)}`);
});

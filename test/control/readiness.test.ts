import { expect, test } from 'vitest';

import { reasonsNotReady } from '../../src/control/readiness.ts';

const known = { name: 'api.test', addresses: ['192.0.2.1'], leftOut: 0, age: 1, ttl: 5, problem: null };
const unknown = { name: 'b.test', addresses: [], leftOut: 0, age: null, ttl: null, problem: null };
const failed = { ...unknown, name: 'c.test', problem: 'DNS is down' };
const noBlackout = { state: 'off', by: 'start', since: '2026-11-25T12:00:00.000Z', until: null } as const;
const status = {
  draining: false,
  blackout: noBlackout,
  targets: ['api.test', 'b.test', 'c.test', '*.wild.test'],
  names: [known, unknown, failed, { ...failed, name: 'x.wild.test' }],
};

test('reasonsNotReady() names each listed name without an address, and why', () => {
  expect(reasonsNotReady(status, { preResolve: true })).toEqual([
    'b.test has no address: no answer yet',
    'c.test has no address: DNS is down',
  ]);
});

test('reasonsNotReady() asks for no addresses where names are resolved at each connection', () => {
  expect(reasonsNotReady(status, { preResolve: false })).toEqual([]);
});

test('reasonsNotReady() names a drain', () => {
  expect(reasonsNotReady({ ...status, draining: true }, { preResolve: false })).toEqual(['draining']);
});

test.each(['on', 'draining'] as const)('reasonsNotReady() names a blackout that is %s', (state) => {
  const blackout = { ...noBlackout, state, by: 'command', until: '2026-11-25T12:00:30.000Z' } as const;
  expect(reasonsNotReady({ ...status, blackout }, { preResolve: false })).toEqual([
    `blackout ${state} since 2026-11-25T12:00:00.000Z (command), until 2026-11-25T12:00:30.000Z`,
  ]);
});

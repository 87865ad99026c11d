import { expect, test } from 'vitest';

import { parseConfig } from '../../src/config/config.ts';
import { problemsOf } from '../helpers/config.ts';

const shared = { TARGET: 'a.test:587 b.test:587 a.test:514/udp b.test:514/udp' };
const addressed = { DNS: '1', NAME_ADDRESSES: '192.0.2.128/25' };

test('names have no addresses of their own by default', () => {
  expect(parseConfig({ TARGET: 'a.test' }).nameAddresses).toBeNull();
});

test.each([
  ['192.0.2.128/25', { v4: ['192.0.2.128', 25], v6: null }],
  ['2001:db8::1:0/112', { v4: null, v6: ['2001:db8::1:0', 112] }],
  ['2001:db8::1:0/112, 192.0.2.128/25', { v4: ['192.0.2.128', 25], v6: ['2001:db8::1:0', 112] }],
])('NAME_ADDRESSES=%s is read', (NAME_ADDRESSES, networks) => {
  expect(parseConfig({ TARGET: 'a.test', DNS: '1', NAME_ADDRESSES }).nameAddresses).toEqual({
    networks,
    nameCheck: 'off',
  });
});

test.each([
  ['192.0.2.1', "'192.0.2.1/32' has no room between its first address and its last"],
  ['192.0.2.0/31', "'192.0.2.0/31' has no room between its first address and its last"],
  ['2001:db8::1', "'2001:db8::1/128' has no room between its first address and its last"],
  ['192.0.2.0/33', "'192.0.2.0/33' has no prefix from 0 to 32"],
  ['a.test/24', "'a.test/24' is no address and no network"],
  ['192.0.2.0/25 192.0.2.128/25', 'there are two networks of one family'],
])('NAME_ADDRESSES=%s is refused, and nothing else that comes of it', (NAME_ADDRESSES, problem) => {
  expect(problemsOf({ ...shared, DNS: '1', NAME_ADDRESSES })).toEqual([
    expect.stringMatching(`^NAME_ADDRESSES=.*: ${problem}; it takes `),
  ]);
});

test('names with addresses share ports, whatever is spoken there', () => {
  expect(problemsOf(shared)).toHaveLength(2);
  const { listeners, warnings } = parseConfig({ ...shared, ...addressed });
  expect(warnings).toEqual([]);
  expect(listeners.map(({ kind, port, nameCheck }) => ({ kind, port, nameCheck }))).toEqual([
    { kind: 'tcp', port: 587, nameCheck: 'off' },
    { kind: 'udp', port: 514, nameCheck: 'off' },
  ]);
});

test.each([
  [undefined, 'off', 'enforce'],
  ['off', 'off', 'enforce'],
  ['report', 'report', 'enforce'],
  ['enforce', 'enforce', 'enforce'],
  ['learn', 'off', 'enforce'],
] as const)(
  "with NAME_CHECK=%s names are checked at their own addresses: %s, and at the door's own where they choose: %s",
  (NAME_CHECK, own, choosing) => {
    const TARGET = 'a.test:443 b.test:443 a.test:5432 b.test:5432';
    const { listeners, nameAddresses, warnings } = parseConfig({
      TARGET,
      PORT: '443',
      ...addressed,
      ...(NAME_CHECK === undefined ? {} : { NAME_CHECK }),
    });
    expect(nameAddresses?.nameCheck).toBe(own);
    expect(listeners.map(({ nameCheck }) => nameCheck)).toEqual([choosing, choosing]);
    expect(warnings.filter((warning) => warning.includes('PostgreSQL'))).toHaveLength(own === 'off' ? 0 : 1);
  },
);

test('what is in force is what holds for who dials a name’s own address, and for the forward proxy', () => {
  const names = { TARGET: 'a.test b.test', PORT: '443', ...addressed };
  expect(parseConfig(names).nameCheck).toBe('off');
  expect(parseConfig({ ...names, NAME_CHECK: 'report' }).nameCheck).toBe('report');
  expect(parseConfig({ ...names, MODE: 'tcp http-proxy' }).nameCheck).toBe('enforce');
});

test('TLS_ECH=refuse has nothing to read where the address chooses', () => {
  const names = { TARGET: 'a.test b.test', PORT: '443', ...addressed, TLS_ECH: 'refuse' };
  expect(problemsOf(names)).toEqual([
    'TLS_ECH=refuse: goes with NAME_CHECK=report or enforce only, as nothing is read without',
  ]);
  expect(problemsOf({ ...names, NAME_CHECK: 'enforce' })).toEqual([]);
  expect(problemsOf({ ...names, MODE: 'tcp http-proxy' })).toEqual([]);
});

test('a target that is an address has none of its own, and cannot share a port', () => {
  expect(problemsOf({ TARGET: '192.0.2.1:587 b.test:587', ...addressed })).toEqual([
    'TARGET="192.0.2.1 b.test": 192.0.2.1 is no name that a client could say, but has to choose the target: give such a target a port of its own',
  ]);
  expect(problemsOf({ TARGET: '192.0.2.1:514/udp b.test:514/udp', ...addressed })).toEqual([
    expect.stringContaining('a port of UDP belongs to one name'),
  ]);
  expect(problemsOf({ TARGET: '192.0.2.1:587 b.test:588', ...addressed })).toEqual([]);
});

test('without DNS=1 NAME_ADDRESSES has no effect, and ports cannot be shared', () => {
  const { NAME_ADDRESSES } = addressed;
  expect(parseConfig({ TARGET: 'a.test', NAME_ADDRESSES })).toMatchObject({
    nameAddresses: null,
    warnings: ['NAME_ADDRESSES is set, but has no effect without DNS=1'],
  });
  expect(problemsOf({ ...shared, NAME_ADDRESSES })).toHaveLength(2);
});

test.each([
  [{ BIND: '192.0.2.1' }, 'goes without BIND'],
  [{ DNS_ANSWER: '192.0.2.1' }, 'goes without DNS_ANSWER'],
  [
    { NAME_ADDRESSES: '192.0.2.0/30', TARGET: 'a.test b.test c.test *.d.test 192.0.2.9:81' },
    'NAME_ADDRESSES=192.0.2.0/30: TARGET has 3 names, and there is room for 2',
  ],
])('NAME_ADDRESSES contradicts %j', (environment, problem) => {
  expect(problemsOf({ TARGET: 'a.test', PORT: '443', ...addressed, ...environment })).toEqual([
    expect.stringContaining(problem),
  ]);
});

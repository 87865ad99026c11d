import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { AddressLeases } from '../../src/door/address-leases.ts';
import { NameAddresses } from '../../src/relay/name-addresses.ts';
import { localTarget } from '../helpers/relay.ts';

const LARGE = { v4: ['192.0.2.0', 24], v6: null } as const;
const OF_TWO = { v4: ['192.0.2.0', 30], v6: null } as const;
const LEASE = 30_000;
const listed = Array.from({ length: 200 }, (_, i) => `name-${i}.test`);

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

function open(networks: typeof LARGE | typeof OF_TWO) {
  const addresses = new NameAddresses(networks);
  const leases = new AddressLeases(addresses);
  const addressOf = (name: string, source = `of ${name}`) => {
    const index = leases.indexOf(name, source);
    return index === null ? null : addresses.at(index).v4;
  };
  return { addresses, leases, addressOf };
}

test('listed names have addresses, each its own, in whatever order they are listed', () => {
  const one = open(LARGE);
  const other = open(LARGE);
  one.leases.follow(listed);
  other.leases.follow(listed.toReversed());
  const addresses = listed.map((name) => one.addressOf(name));
  expect(new Set(addresses).size).toBe(listed.length);
  expect(listed.map((name) => other.addressOf(name))).toEqual(addresses);
});

test('a name is the same in either case, with or without the dot of the root', () => {
  const { leases, addressOf } = open(LARGE);
  leases.follow(['One.Test.']);
  expect(addressOf('one.test')).toBe(addressOf('ONE.test.'));
});

test('another name has an address as it is asked for, and keeps it', () => {
  const { addressOf } = open(OF_TWO);
  const first = addressOf('a.test');
  vi.advanceTimersByTime(10 * LEASE);
  const second = addressOf('b.test');
  expect(new Set([first, second])).toEqual(new Set(['192.0.2.1', '192.0.2.2']));
  expect([addressOf('a.test'), addressOf('b.test')]).toEqual([first, second]);
});

test('the address that nobody has asked for longest goes to another name, but not before its lease has ended', () => {
  const { addressOf } = open(OF_TWO);
  const first = addressOf('a.test');
  vi.advanceTimersByTime(1);
  const second = addressOf('b.test');
  vi.advanceTimersByTime(LEASE - 2);
  expect(addressOf('c.test')).toBeNull();
  vi.advanceTimersByTime(1);
  expect(addressOf('c.test')).toBe(first);
  expect(addressOf('a.test')).toBeNull();
  expect(addressOf('b.test')).toBe(second);
});

test('an address in use, or of a listed name, goes to no other', () => {
  const { addresses, leases, addressOf } = open(OF_TWO);
  leases.follow(['listed.test']);
  const used = addressOf('used.test') as string;
  const lead = addresses.lead(used, () => localTarget(1));
  vi.advanceTimersByTime(10 * LEASE);
  expect(addressOf('other.test')).toBeNull();
  lead?.end();
  expect(addressOf('other.test')).toBe(used);
});

test('a name that is not listed any more gives its address up as others do', () => {
  const { leases, addressOf } = open(OF_TWO);
  leases.follow(['a.test', 'b.test']);
  const first = addressOf('a.test');
  leases.follow(['b.test']);
  vi.advanceTimersByTime(LEASE + 1);
  expect(addressOf('c.test')).toBe(first);
  leases.follow(['a.test', 'b.test']);
  expect(addressOf('a.test'), 'while there is none').toBeNull();
  vi.advanceTimersByTime(LEASE + 1);
  expect(addressOf('a.test')).toBe(first);
});

test('a listed name that got no address at first keeps the one that it gets later', () => {
  const { leases, addressOf } = open(OF_TWO);
  addressOf('a.test');
  addressOf('b.test');
  leases.follow(['listed.test']);
  vi.advanceTimersByTime(LEASE + 1);
  const own = addressOf('listed.test');
  expect(own).not.toBeNull();
  vi.advanceTimersByTime(LEASE + 1);
  expect(addressOf('c.test')).not.toBe(own);
  expect(addressOf('d.test')).toBeNull();
  expect(addressOf('listed.test')).toBe(own);
});

test('indexes are told of as they first get a name', () => {
  const told: number[] = [];
  const leases = new AddressLeases(new NameAddresses(OF_TWO), (index) => told.push(index));
  for (const name of ['a.test', 'b.test', 'c.test', 'd.test']) {
    leases.indexOf(name, `of ${name}`);
    vi.advanceTimersByTime(LEASE + 1);
  }
  expect(told.toSorted((one, other) => one - other)).toEqual([0, 1]);
});

test('no client has more names than there are addresses left, but those that are listed', () => {
  const { leases, addressOf } = open(LARGE);
  leases.follow(['listed.test']);
  const given = (source: string) =>
    Array.from({ length: 300 }, (_, i) => addressOf(`${i}.${source}.test`, source)).filter(
      (address) => address !== null,
    ).length;
  // Of 254, half of what is left each time.
  expect(['first', 'second', 'third'].map(given)).toEqual([127, 64, 32]);
  expect(addressOf('another.test', 'first')).toBeNull();
  expect(addressOf('0.first.test', 'first')).not.toBeNull();
  expect(addressOf('0.first.test', 'third')).not.toBeNull();
  expect(addressOf('listed.test', 'first')).not.toBeNull();
});

test('a client that has enough gets the addresses that its own names have given up', () => {
  const { addressOf } = open(OF_TWO);
  const first = addressOf('a.test', 'first');
  expect(addressOf('b.test', 'second')).not.toBeNull();
  for (const name of ['c.test', 'd.test', 'e.test']) {
    expect(addressOf(name, 'first')).toBeNull();
    vi.advanceTimersByTime(LEASE + 1);
    expect(addressOf(name, 'first')).toBe(first);
  }
});

import { expect, test } from 'vitest';

import { NameAddresses } from '../../src/relay/name-addresses.ts';
import { Refusal } from '../../src/wire/refusal.ts';
import { localTarget } from '../helpers/relay.ts';

const NETWORKS = { v4: ['192.0.2.128', 25], v6: ['2001:db8::1:0', 112] } as const;
const { v4: FIRST, v6: FIRST_V6 } = new NameAddresses(NETWORKS).at(0) as { v4: string; v6: string };

/** The name that an address leads to, for as long as `end` is not called. */
function lead(addresses: NameAddresses, own: string) {
  let led = '';
  const found = addresses.lead(own, (name) => {
    led = name;
    return localTarget(1);
  });
  return found === null ? null : { led, end: found.end };
}

test('a name is led to by its addresses of both families, in every thread', () => {
  const giver = new NameAddresses(NETWORKS);
  const other = new NameAddresses(NETWORKS, giver.cells);
  expect(giver.give(0, 'one.test')).toBe(true);
  for (const own of [FIRST, FIRST_V6, `::ffff:${FIRST}`]) expect(lead(other, own)?.led).toBe('one.test');
});

test.each(['192.0.2.1', '192.0.2.128', '2001:db8::1', 'fe80::1%eth0', ''])(
  "'%s' is no address for names",
  (own) => {
    expect(lead(new NameAddresses(NETWORKS), own)).toBeNull();
  },
);

test('an address that no name has leads nowhere', () => {
  const addresses = new NameAddresses(NETWORKS);
  expect(() => lead(addresses, FIRST)).toThrow(new Refusal('no name', `no name has the address ${FIRST}`));
  expect(addresses.give(0, 'one.test'), 'who came too early holds nothing').toBe(true);
});

test('an address that somebody has dialled keeps its name until the last of them has ended', () => {
  const addresses = new NameAddresses(NETWORKS);
  addresses.give(0, 'one.test');
  const [first] = [lead(addresses, FIRST), lead(addresses, FIRST_V6)];
  first?.end();
  expect(addresses.give(0, 'two.test')).toBe(false);
  expect(lead(addresses, FIRST)).toMatchObject({ led: 'one.test' });
});

test('an address that gets another name leads there', () => {
  const addresses = new NameAddresses(NETWORKS);
  for (const name of ['one.test', 'another.test', 'one.tess']) {
    expect(addresses.give(0, name)).toBe(true);
    const led = lead(addresses, FIRST);
    expect(led?.led).toBe(name);
    led?.end();
  }
});

test('what leads nowhere after all holds no address', () => {
  const addresses = new NameAddresses(NETWORKS);
  addresses.give(0, 'one.test');
  const refuse = () => {
    throw new Refusal('not in PORT', 'not here');
  };
  expect(() => addresses.lead(FIRST, refuse)).toThrow('not here');
  expect(addresses.give(0, 'two.test')).toBe(true);
});

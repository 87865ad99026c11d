import fc from 'fast-check';
import { expect, test } from 'vitest';

import { FairOrder, type Ordered } from '../../../src/relay/udp/fair-order.ts';

interface Member extends Ordered<Member> {
  readonly name: string;
}

function member(name: string): Member {
  return { name, address: name.slice(0, 1), previous: null, next: null };
}

test('FairOrder: the address with most members comes first, with its idlest', () => {
  const order = new FairOrder<Member>();
  const [a1, b1, b2, c1] = [member('a1'), member('b1'), member('b2'), member('c1')];
  expect(order.first).toBe(null);
  for (const each of [a1, b1, b2, c1]) order.add(each);
  expect(order.first).toBe(b1);
  order.touch(b1);
  expect(order.first).toBe(b2);
  order.delete(b2);
  // One each now: the idlest of all.
  expect(order.first).toBe(a1);
  order.touch(a1);
  expect(order.first).toBe(c1);
  expect(order.size).toBe(3);
});

/** The same, by looking at all. */
function firstOf(members: readonly Member[], lastUseOf: (address: string) => number): Member | null {
  const countOf = (address: string) => members.filter((each) => each.address === address).length;
  const rank = ({ address }: Member) => [-countOf(address), lastUseOf(address)] as const;
  const [first = null] = members.toSorted((x, y) => rank(x)[0] - rank(y)[0] || rank(x)[1] - rank(y)[1]);
  return first;
}

test('FairOrder: whatever comes, is used and goes, it is as if all were looked at', () => {
  const names = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'c1', 'c2', 'd1'];
  const step = fc.tuple(fc.constantFrom('use', 'use', 'go'), fc.constantFrom(...names));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const order = new FairOrder<Member>();
      let members: readonly Member[] = [];
      const changedAt = new Map<string, number>();
      for (const [at, [what, name]] of steps.entries()) {
        const known = members.find((each) => each.name === name);
        if (what === 'go' && known === undefined) continue;
        const used = known ?? member(name);
        members = members.filter((each) => each !== used);
        if (what === 'go') order.delete(used);
        else {
          members = [...members, used];
          order[known === undefined ? 'add' : 'touch'](used);
        }
        changedAt.set(used.address, at);
        expect(order.size).toBe(members.length);
        expect(order.first).toBe(firstOf(members, (address) => changedAt.get(address) ?? 0));
      }
    }),
  );
});

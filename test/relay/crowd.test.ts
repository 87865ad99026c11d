import { expect, test } from 'vitest';

import { Crowd, type Member } from '../../src/relay/crowd.ts';

/** A member that is written down when it is sent away. */
function clientFrom(source: string, name: string, gone: string[]): Member {
  return { source, held: 0, previous: null, next: null, onSentAway: () => gone.push(name) };
}

function crowdOf(bounds: Partial<ConstructorParameters<typeof Crowd>[0]>) {
  const crowd = new Crowd({ size: Infinity, bytes: Infinity, leaver: 'newest', ...bounds });
  const gone: string[] = [];
  const enter = (source: string, name: string) => {
    const member = clientFrom(source, name, gone);
    crowd.enter(member);
    return member;
  };
  return { crowd, gone, enter };
}

test.each([
  ['newest', ['a4', 'a3']],
  ['oldest', ['a1', 'a2']],
] as const)('whoever makes it too many, the address with most loses its %s', (leaver, expected) => {
  const { gone, enter } = crowdOf({ size: 3, leaver });
  for (const name of ['a1', 'a2', 'a3', 'a4']) enter('a', name);
  enter('b', 'b1');
  expect(gone).toEqual(expected);
});

test('of a crowd that is full, the address that takes most room is told so before it enters', () => {
  const { crowd, enter } = crowdOf({ size: 3 });
  enter('a', 'a1');
  const leaving = enter('a', 'a2');
  expect(crowd.isShutTo('a')).toBe(false);
  enter('b', 'b1');
  expect(['a', 'b', 'c'].map((source) => crowd.isShutTo(source))).toEqual([true, false, false]);
  crowd.leave(leaving);
  expect(crowd.isShutTo('a')).toBe(false);
});

test('one that holds too much has the address that takes most room lose members until there is enough', () => {
  const { crowd, gone, enter } = crowdOf({ bytes: 100_000 });
  const small = enter('a', 'small');
  const [first, second] = [enter('b', 'first'), enter('b', 'second')];
  crowd.hold(small, 20_000);
  crowd.hold(first, 40_000);
  crowd.hold(second, 40_000);
  expect(gone).toEqual([]);
  crowd.hold(small, 30_000);
  expect(gone).toEqual(['second']);
  crowd.hold(small, 60_000);
  expect(gone).toEqual(['second']);
});

test('those who have left take no room', () => {
  const { crowd, gone, enter } = crowdOf({ size: 2, bytes: 1_000 });
  for (let i = 0; i < 10; i++) {
    const member = enter(`${i}`, `${i}`);
    crowd.hold(member, 1_000);
    crowd.leave(member);
  }
  enter('a', 'stays');
  enter('b', 'stays too');
  expect(gone).toEqual([]);
});

test('where nobody may be, whoever comes is sent away', () => {
  const { gone, enter } = crowdOf({ size: 0 });
  enter('a', 'a1');
  expect(gone).toEqual(['a1']);
});

test.each([
  ['newest', 'c1'],
  ['oldest', 'a1'],
] as const)(
  'of addresses that take as much room, the one that came %s loses a member',
  (leaver, expected) => {
    const { gone, enter } = crowdOf({ size: 2, leaver });
    for (const source of ['a', 'b', 'c']) enter(source, `${source}1`);
    expect(gone).toEqual([expected]);
  },
);

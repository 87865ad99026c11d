import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { expect, test } from 'vitest';

import { type Listed, Roster } from '../../src/lib/roster.ts';

interface Member extends Listed {
  readonly name: string;
}

const member = (name: string): Member => ({ name, index: -1 });
const names = (roster: Roster<Member>) =>
  roster
    .toArray()
    .map(({ name }) => name)
    .toSorted();

test('a roster has those who have come and not gone', () => {
  const roster = new Roster<Member>();
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(member) as [Member, Member, Member, Member];
  for (const each of [a, b, c]) roster.add(each);
  expect([roster.delete(a), roster.delete(a), roster.delete(d)]).toEqual([true, false, false]);
  expect([names(roster), roster.size]).toEqual([['b', 'c'], 2]);
  roster.add(a);
  expect(roster.delete(c)).toBe(true);
  expect(names(roster)).toEqual(['a', 'b']);
  expect([roster.delete(b), roster.delete(a), roster.size]).toEqual([true, true, 0]);
});

test('a roster that is cleared gives all back, who may come again', () => {
  const roster = new Roster<Member>();
  const all = ['a', 'b', 'c'].map(member);
  for (const each of all) roster.add(each);
  expect(roster.clear()).toEqual(all);
  expect([roster.size, roster.delete(all[0] as Member)]).toEqual([0, false]);
  roster.add(all[0] as Member);
  expect(names(roster)).toEqual(['a']);
});

test('a roster does not change what has been asked for while it changes itself', () => {
  const roster = new Roster<Member>();
  for (const name of ['a', 'b', 'c']) roster.add(member(name));
  for (const each of roster.toArray()) roster.delete(each);
  expect(roster.size).toBe(0);
});

test('those who come to an old roster and go are no more in memory after a minor collection', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;
  const SIZE = 1024;
  const COUNT = 20_000;
  const PRESENT = 10;
  const roster = new Roster<Listed & { readonly content: number[] }>();
  const present = Array.from({ length: PRESENT }, () => ({ index: -1, content: [] as number[] }));
  for (const each of present) roster.add(each);
  collect();
  collect(); // what has lived through two is old
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < COUNT; i++) {
    const next = { index: -1, content: Array<number>(SIZE / 8).fill(i) };
    roster.add(next);
    roster.delete(present[i % PRESENT] as Listed & { readonly content: number[] });
    present[i % PRESENT] = next;
  }
  collect({ type: 'minor' });
  expect(process.memoryUsage().heapUsed - before).toBeLessThan((COUNT * SIZE) / 4);
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { indexNames } from '../../src/config/name-index.ts';
import { isMeantBy } from '../helpers/name-meaning.ts';

/** Which of these targets is meant by a name. */
function match(targets: readonly string[], name: string): string | null {
  return indexNames([{ names: targets }]).find(name)?.host ?? null;
}

const longest = [63, 63, 63, 61].map((length) => 'a'.repeat(length)).join('.');

test.each([
  ['a.test', 'a.test', 'a.test'],
  ['a.test', 'A.TEST.', 'a.test'],
  ['A.Test.', 'a.test', 'A.Test.'],
  ['a.test', 'b.a.test', null],
  ['a.test', 'a.test..', null],
  ['a.test', 'xa.test', null],
  ['*.a.test', 'B.a.test.', 'b.a.test'],
  ['*.a.test.', 'c.b.a.test', 'c.b.a.test'],
  ['*.a.test', 'a.test', null],
  ['*.a.test', '.a.test', null],
  ['*.a.test', 'b..a.test', null],
  ['*.a.test', 'ba.test', null],
  ['*.a.test', 'b.a.test.evil.test', null],
  ['*.a.test', '*.a.test', null],
  ['*.a.test', '_x-1.a.test', '_x-1.a.test'],
  ['*.a.test', 'b%2ea.test', null],
  ['*.a.test', 'user@b.a.test', null],
  ['*.a.test', 'b.a.test:443', null],
  ['*.a.test', 'evil.test\0.a.test', null],
  ['*.a.test', 'evil.test/.a.test', null],
  ['*.a.test', 'b.a.test\n', null],
  ['*.a.test', ' b.a.test', null],
  ['*.a.test', 'é.a.test', null],
  // Lower case makes a plain k of the Kelvin sign.
  ['*.k.test', 'b.\u212A.test', null],
  ['k.test', '\u212A.test', null],
  ['*.aa', `${longest.slice(0, -3)}.aa`, `${longest.slice(0, -3)}.aa`],
  ['*.aa', `${longest.slice(0, -3)}.aa.`, `${longest.slice(0, -3)}.aa`],
  ['*.aa', `${longest.slice(0, -2)}.aa`, null],
  ['*.a.test', `${'b'.repeat(63)}.a.test`, `${'b'.repeat(63)}.a.test`],
  ['*.a.test', `${'b'.repeat(64)}.a.test`, null],
  ['a.test', '', null],
  ['a.test', '.', null],
  ['a.test', '192.0.2.1', null],
  ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
  ['192.0.2.1', '192.0.2.01', null],
  ['2001:0db8::1', '2001:db8:0::1', '2001:0db8::1'],
  ['2001:db8::1', '[2001:db8::1]', null],
  ['fe80::1%eth0', 'fe80::1%eth0', 'fe80::1%eth0'],
  ['fe80::1%eth0', 'fe80::1', null],
])('NameIndex with %s: %j leads to %j', (target, name, host) => {
  expect(match(['other.test', target, '*.more.test'], name)).toBe(host);
});

test('NameIndex prefers a listed name to the wildcard above it', () => {
  expect(match(['*.a.test', 'B.a.test.'], 'b.a.test')).toBe('B.a.test.');
});

test('NameIndex says what a comparison by labels says, and its answers lead to themselves', () => {
  const label = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom('a', 'b', 'A', 'B') },
    { weight: 1, arbitrary: fc.constantFrom('', '*', 'a\0', 'é', '\u212A', 'a'.repeat(63), 'a'.repeat(64)) },
  );
  const dot = fc.constantFrom('', '', '.');
  const nameOf = (labels: fc.Arbitrary<string[]>) => fc.tuple(labels, dot).map(([l, d]) => l.join('.') + d);
  const plain = nameOf(fc.array(fc.constantFrom('a', 'b', 'k'), { minLength: 1, maxLength: 2 }));
  const target = fc.oneof(
    plain,
    plain.map((name) => `*.${name}`),
  );
  let matches = 0;
  fc.assert(
    fc.property(
      fc.array(target, { minLength: 1, maxLength: 4 }),
      nameOf(fc.array(label, { maxLength: 5 })),
      (targets, name) => {
        const found = match(targets, name);
        expect(found !== null).toBe(targets.some((each) => isMeantBy(each, name)));
        if (found === null) return;
        matches++;
        expect(match(targets, found)).toBe(found);
        expect(found.replace(/\.$/, '')).toBe(name.replace(/\.$/, '').toLowerCase());
      },
    ),
    { numRuns: 5_000 },
  );
  expect(matches).toBeGreaterThan(500);
});

test('NameIndex takes * for every name, but for no address', () => {
  const index = indexNames([{ names: ['*'] }, { names: ['*.test'] }, { names: ['192.0.2.1'] }]);
  const find = (name: string) => index.find(name)?.value.names[0];
  expect(['com', 'a.com', 'A.b.com.', 'a.test', '192.0.2.1'].map(find)).toEqual([
    '*',
    '*',
    '*',
    '*.test',
    '192.0.2.1',
  ]);
  expect(['', '.', '192.0.2.2', '2001:db8::1', 'a..com', 'a.com..'].map(find)).toEqual(
    Array(6).fill(undefined),
  );
});

test('NameIndex prefers the longest of the wildcards above a name', () => {
  const index = indexNames([{ names: ['*.test'] }, { names: ['*.b.a.test'] }, { names: ['*.a.test'] }]);
  expect(index.find('c.b.a.test')?.value.names).toEqual(['*.b.a.test']);
  expect(index.find('b.a.test')?.value.names).toEqual(['*.a.test']);
  expect(index.find('a.test')?.value.names).toEqual(['*.test']);
});

test('NameIndex finds what is meant among all that is kept for a name, and calls it as it is listed', () => {
  const index = indexNames([
    { names: ['A.test'], port: 1 },
    { names: ['a.test.'], port: 2 },
    { names: ['*.test'], port: 3 },
  ]);
  const at = (wanted: number) => index.find('a.test', ({ port }) => port === wanted);
  expect([1, 2, 3, 4].map((port) => at(port)?.value.port)).toEqual([1, 2, 3, undefined]);
  expect(at(3)?.host).toBe('A.test');
  expect(index.find('b.test', ({ port }) => port === 3)?.host).toBe('b.test');
});

import { expect, test } from 'vitest';

import { listSome } from '../../src/lib/list-some.ts';

const texts = (count: number) => Array.from({ length: count }, (_, i) => `t${i}`);

test('listSome() lists what is different, always in the same order', () => {
  expect(listSome([], '; ')).toBe('');
  expect(listSome(['no', 'never', 'no'], '; ')).toBe('never; no');
  expect(listSome(['never', 'no'], '; ')).toBe('never; no');
  expect(listSome(texts(8), ', ')).toBe('t0, t1, t2, t3, t4, t5, t6, t7');
});

test('listSome() counts what is more than eight', () => {
  const some = 't0, t1, t10, t100, t1000, t1001, t1002, t1003, and 3992 more';
  expect(listSome([...texts(4_000), ...texts(4_000)], ', ')).toBe(some);
  expect(listSome(texts(4_000).toReversed(), ', ')).toBe(some);
});

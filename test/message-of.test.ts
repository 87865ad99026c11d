import { expect, test } from 'vitest';

import { messageOf } from '../src/message-of.ts';

test('messageOf() is what an error says, or what else was thrown', () => {
  expect(messageOf(new Error('no'))).toBe('no');
  expect(messageOf(7)).toBe('7');
});

test('messageOf() is 1,000 characters long at most', () => {
  expect(messageOf(new Error('a'.repeat(1_000)))).toBe('a'.repeat(1_000));
  expect(messageOf(new Error('a'.repeat(1_000_000)))).toBe(`${'a'.repeat(1_000)}...`);
});

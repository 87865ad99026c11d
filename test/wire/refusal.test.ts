import { expect, test } from 'vitest';

import { Refusal } from '../../src/wire/refusal.ts';

test('Refusal() keeps a name of full length, and what is wrong with it', () => {
  const name = 'a'.repeat(255);
  const refusal = new Refusal('not in TARGET', `${name} is not in TARGET`, name);
  expect(refusal).toMatchObject({ asked: name, message: `${name} is not in TARGET` });
});

test('Refusal() cuts the middle out of what is longer', () => {
  const name = 'a'.repeat(60_000);
  const refusal = new Refusal('not in TARGET', `${name} is not in TARGET`, name);
  expect(refusal.asked).toBe(`${'a'.repeat(255)}...`);
  expect(refusal.message).toMatch(/^a{255}\.\.\.a{83} is not in TARGET$/);
});

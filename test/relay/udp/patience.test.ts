import { expect, test } from 'vitest';

import { Patience } from '../../../src/relay/udp/patience.ts';

test('ask() tells that it is over when a client goes on sending, once in each such time', () => {
  const patience = new Patience(1_000);
  expect([0, 500, 999, 1_000, 1_500, 1_999, 2_000].map((now) => patience.ask(now))).toEqual([
    null,
    null,
    null,
    0,
    null,
    null,
    1_000,
  ]);
  expect(patience.owedSince).toBe(0);
});

test('an answer ends it, and it begins with what is sent next', () => {
  const patience = new Patience(1_000);
  patience.ask(0);
  patience.answer(100);
  expect(patience.owedSince).toBe(null);
  expect([900, 1_800, 1_900].map((now) => patience.ask(now))).toEqual([null, null, 900]);
});

test('where answers have taken longer, it lasts twice as long as that', () => {
  const patience = new Patience(1_000);
  patience.ask(0);
  patience.answer(900);
  expect([1_000, 2_000, 2_799, 2_800].map((now) => patience.ask(now))).toEqual([null, null, null, 1_000]);
});

test('a client that has paused does not wait for an answer', () => {
  const patience = new Patience(1_000);
  expect([0, 2_001, 4_002].map((now) => patience.ask(now))).toEqual([null, null, null]);
  expect(patience.owedSince).toBe(4_002);
});

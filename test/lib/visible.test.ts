import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { visible } from '../../src/lib/visible.ts';

/** Every character that a terminal may obey, hide or turn around, by its range. */
const STEERING = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0x06_1c, 0x06_1c],
  [0x20_0b, 0x20_0f],
  [0x20_28, 0x20_2e],
  [0x20_60, 0x20_69],
  [0xfe_ff, 0xfe_ff],
] as const;

test('visible() writes what a terminal obeys as JSON does', () => {
  for (const [from, to] of STEERING) {
    for (let code = from; code <= to; code++) {
      const escaped = `\\u${code.toString(16).padStart(4, '0')}`;
      expect(visible(`a${String.fromCodePoint(code)}b`)).toBe(`a${escaped}b`);
    }
  }
  expect(visible('\u{e0001}')).toBe(String.raw`\udb40\udc01`);
});

test('visible() leaves what can be seen', () => {
  const text = 'bücher.test 例え.テスト "\\" \u{1f6aa} \u{a0}~';
  expect(visible(text)).toBe(text);
});

test('visible() keeps the value of JSON on one line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const line = visible(JSON.stringify({ name }));
      expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      expect(JSON.parse(line)).toEqual({ name });
    }),
  );
});

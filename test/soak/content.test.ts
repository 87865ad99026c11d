import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Checker, LARGEST_PIECE, pieceOf } from '../../soak/content.ts';

/** All of a content, copied. */
function bytesOf(start: number, length: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < length; at += LARGEST_PIECE) pieces.push(pieceOf({ start, length }, at));
  return Buffer.concat(pieces);
}

const content = fc.record({ start: fc.nat(2_000_000), length: fc.integer({ min: 1, max: 200_000 }) });

test('Checker takes what was sent, however it is cut', () => {
  fc.assert(
    fc.property(content, fc.array(fc.nat(200_000)), ({ start, length }, cuts) => {
      const bytes = bytesOf(start, length);
      const checker = new Checker({ start, length });
      const ends = [...cuts.map((cut) => cut % length).toSorted((a, b) => a - b), length];
      let from = 0;
      for (const to of ends) {
        expect(checker.isComplete).toBe(from === length);
        expect(checker.take(bytes.subarray(from, to))).toBe(null);
        from = to;
      }
      expect(checker).toMatchObject({ isComplete: true, received: length });
    }),
    { numRuns: 50 },
  );
});

test('Checker notices a byte that was changed, wherever it is', () => {
  fc.assert(
    fc.property(content, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ start, length }, where, change) => {
      const bytes = bytesOf(start, length);
      const at = where % length;
      const sent = bytes[at] ?? 0;
      bytes[at] = sent ^ change;
      expect(new Checker({ start, length }).take(bytes)).toBe(
        `byte ${at} of ${length} is ${sent ^ change} and was sent as ${sent}`,
      );
    }),
    { numRuns: 50 },
  );
});

test('Checker notices bytes that are too many, left out, or of another content', () => {
  const checker = new Checker({ start: 5, length: 100 });
  expect(checker.take(bytesOf(5, 100))).toBe(null);
  expect(checker.take(Buffer.of(1, 2))).toBe('2 bytes more than the 100 that were sent');
  expect(new Checker({ start: 5, length: 100 }).take(bytesOf(6, 99))).toMatch('byte 0 of 100 is');
});

import * as fc from 'fast-check';

/** Where a stream is cut into pieces. */
export const CUTS = fc.array(fc.nat(2_000), { maxLength: 4 });

export function cut(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const ends = [...cuts.map((at) => at % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

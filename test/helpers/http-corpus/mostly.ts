import * as fc from 'fast-check';

/** Mostly what comes first in `usual`, now and then the rest. */
export function mostly<T>(usual: readonly T[], odd: readonly T[], weight = 12): fc.Arbitrary<T> {
  return fc.oneof({ weight, arbitrary: fc.constantFrom(...usual) }, fc.constantFrom(...odd));
}

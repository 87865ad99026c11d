interface Fuzz {
  readonly numRuns: number;
  readonly seed: number;
  /** Whether it takes as long as it takes, and tells what it has done. */
  readonly isLong: boolean;
}

/** How often a property is tried: so often and always with the same values, or FUZZ_RUNS times with those of FUZZ_SEED, or with others each time. */
export function fuzz(numRuns: number): Fuzz {
  const { FUZZ_RUNS, FUZZ_SEED } = process.env;
  if (FUZZ_RUNS === undefined) return { numRuns, seed: 14, isLong: false };
  const seed = FUZZ_SEED === undefined ? Math.trunc(Math.random() * 2 ** 31) : Number(FUZZ_SEED);
  return { numRuns: Number(FUZZ_RUNS), seed, isLong: true };
}

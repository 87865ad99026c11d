import { randomOf } from '../random.ts';
import type { Fault } from './fault.ts';

/** A fault at its time. */
export interface Planned<F> {
  readonly fault: F;
  /** When it begins, in ms from the start. */
  readonly at: number;
  readonly lasts: number;
}

/** Faults of one victim do not overlap, so that what each excuses is clear; those of several do. The pause between two of them, in ms. */
const PAUSE = { least: 3_500, most: 20_000 };
/** So long all is well at the start, and at the end, in ms. */
const CALM = 4_000;

interface Options {
  readonly seed: number;
  readonly victim: string;
  /** Of the run, in ms. */
  readonly length: number;
  /** Between two faults, in ms. */
  readonly longestPause?: number;
}

/** The faults of one victim over so many ms: the same for the same seed. */
export function schedule<F extends Fault<never>>(
  faults: readonly F[],
  { seed, victim, length, longestPause = PAUSE.most }: Options,
): readonly Planned<F>[] {
  if (faults.length === 0) return [];
  const random = randomOf(seed, `faults of ${victim}`);
  const planned: Planned<F>[] = [];
  let at = CALM + random.whole(0, longestPause);
  for (;;) {
    const fault = random.pick(faults);
    const lasts = random.whole(...(fault.lasts as [number, number]));
    if (at + lasts + CALM > length) return planned;
    planned.push({ fault, at, lasts });
    at += lasts + random.whole(PAUSE.least, longestPause);
  }
}

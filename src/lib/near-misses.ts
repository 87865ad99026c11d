import { distance } from 'fastest-levenshtein';

/** A variable may be off by one letter in five: other programs' variables stand beside ours. */
const LETTERS_PER_SLIP = 5;
/** A name may lack or add an ending of three letters (`_MS`, `S`). */
const MAX_ENDING = 3;

/** Variables that are set, and are none of ours but near to one: a sentence each. */
export function findNearMisses(set: readonly string[], ours: readonly string[]): readonly string[] {
  return set
    .filter((name) => !ours.includes(name))
    .flatMap((name) => {
      const meant = findNearest(name, ours, LETTERS_PER_SLIP);
      return meant === null ? [] : [`${name} is set but unknown: did you mean ${meant}?`];
    });
}

/** The nearest of the known names, in either case, if it is off by an ending or no more than one letter in so many; else null. */
export function findNearest(name: string, known: readonly string[], lettersPerSlip: number): string | null {
  const [nearest] = known
    .map((candidate) => ({ candidate, slips: distance(name.toUpperCase(), candidate.toUpperCase()) }))
    .filter(
      ({ candidate, slips }) =>
        hasOtherEnding(name, candidate) || slips <= Math.floor(candidate.length / lettersPerSlip),
    )
    .toSorted((a, b) => a.slips - b.slips);
  return nearest?.candidate ?? null;
}

function hasOtherEnding(name: string, candidate: string): boolean {
  const [short, long] = name.length < candidate.length ? [name, candidate] : [candidate, name];
  return long.startsWith(short) && long.length - short.length <= MAX_ENDING;
}

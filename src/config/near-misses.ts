import { distance } from 'fastest-levenshtein';

/** A name may be off by one letter in five, or lack or add an ending of three letters (`_MS`, `S`). */
const LETTERS_PER_SLIP = 5;
const MAX_ENDING = 3;

/** Pairs of a name that is set and the one of ours that was probably meant. */
export function findNearMisses(
  set: readonly string[],
  ours: readonly string[],
): readonly { readonly name: string; readonly meant: string }[] {
  return set
    .filter((name) => !ours.includes(name))
    .flatMap((name) => {
      const meant = ours.find((candidate) => isNear(name, candidate));
      return meant === undefined ? [] : [{ name, meant }];
    });
}

function isNear(name: string, ours: string): boolean {
  const [short, long] = name.length < ours.length ? [name, ours] : [ours, name];
  if (long.startsWith(short) && long.length - short.length <= MAX_ENDING) return true;
  return distance(name.toUpperCase(), ours) <= Math.floor(ours.length / LETTERS_PER_SLIP);
}

import { interleave } from '../lib/interleave.ts';

interface Address {
  readonly address: string;
  readonly family: number;
}

/** What is used of a name's addresses, and how many more there are. */
export interface Limited<T extends Address> {
  readonly records: readonly T[];
  readonly leftOut: number;
}

/** So many addresses of a name are used. An answer may hold 4,000, and each is kept, logged, shown and dialled. */
const MAX_ADDRESSES = 32;

/**
 * At most 32 addresses, as many of each family as there are and as fit. Of the same addresses they are the same ones in whatever order a nameserver
 * gives them, as many rotate their answers.
 *
 * They are the first in the order of their text, so that rotation changes nothing. TARGET_SCOPE judges after
 * that, so that every command sees what the relay sees.
 */
export function limitAddresses<T extends Address>(records: readonly T[]): Limited<T> {
  const leftOut = Math.max(0, records.length - MAX_ADDRESSES);
  if (leftOut === 0) return { records, leftOut };
  const sorted = records.toSorted((one, other) => (one.address < other.address ? -1 : 1));
  return { records: interleave(sorted).slice(0, MAX_ADDRESSES), leftOut };
}

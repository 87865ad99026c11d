import type { LookupAddress } from 'node:dns';

import { interleave } from '../lib/interleave.ts';
import { RecentFailures } from '../lib/recent-failures.ts';

/** Of so many addresses it is known when they answered. */
const REMEMBERED = 256;

export interface DialOrder {
  /** The addresses in the order to dial them. */
  readonly arrange: (addresses: readonly LookupAddress[]) => readonly LookupAddress[];
  /** To be told of each address that failed. */
  readonly failed: (address: LookupAddress) => void;
  /** Whether it has failed lately, and has not answered since. */
  readonly hasFailed: (address: LookupAddress) => boolean;
  /** To be told of each answer over UDP, and when it came (`performance.now()`). */
  readonly answered: (address: LookupAddress, at: number) => void;
  /** Whether it has answered anybody since then. */
  readonly hasAnsweredSince: (address: LookupAddress, at: number) => boolean;
}

/**
 * Spreads connections over equal addresses, takes turns between the families, IPv6 first (RFC 8305 §4), and puts addresses that failed
 * lately last.
 */
export function createDialOrder(): DialOrder {
  const failures = new RecentFailures<LookupAddress>(({ address }) => address);
  const answeredAt = new Map<string, number>();

  return {
    arrange: (addresses) =>
      addresses.length === 1 ? addresses : failures.split(shuffle(addresses)).flatMap(interleave),
    failed: (address) => failures.add(address),
    hasFailed: (address) => failures.has(address),
    answered(from, at) {
      failures.delete(from);
      answeredAt.set(from.address, at);
      if (answeredAt.size > REMEMBERED) answeredAt.delete(answeredAt.keys().next().value ?? '');
    },
    hasAnsweredSince: ({ address }, at) => (answeredAt.get(address) ?? -Infinity) >= at,
  };
}

/** Fisher and Yates's. */
function shuffle<T>(items: readonly T[]): readonly T[] {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
  }
  return shuffled;
}

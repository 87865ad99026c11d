import type { LookupAddress } from 'node:dns';

import { interleave } from '../lib/interleave.ts';
import { RecentFailures } from '../lib/recent-failures.ts';

/** Of so many addresses it is known when they answered. */
const REMEMBERED = 256;

/**
 * Spreads connections over equal addresses, takes turns between the families, IPv6 first (RFC 8305 §4), and puts addresses that failed
 * lately last.
 */
export class DialOrder {
  readonly #failures = new RecentFailures<LookupAddress>(({ address }) => address);
  readonly #answeredAt = new Map<string, number>();

  /** The addresses in the order to dial them. */
  arrange(addresses: readonly LookupAddress[]): readonly LookupAddress[] {
    return addresses.length === 1
      ? addresses
      : this.#failures.split(shuffle(addresses)).flatMap((some) => interleave(some));
  }

  /** To be told of each address that failed. */
  failed(address: LookupAddress): void {
    this.#failures.add(address);
  }

  /** Whether it has failed lately, and has not answered since. */
  hasFailed(address: LookupAddress): boolean {
    return this.#failures.has(address);
  }

  /** To be told of each answer over UDP, and when it came (`performance.now()`). */
  answered(from: LookupAddress, at: number): void {
    this.#failures.delete(from);
    this.#answeredAt.set(from.address, at);
    if (this.#answeredAt.size > REMEMBERED)
      this.#answeredAt.delete(this.#answeredAt.keys().next().value ?? '');
  }

  /** Whether it has answered anybody since then. */
  hasAnsweredSince({ address }: LookupAddress, at: number): boolean {
    return (this.#answeredAt.get(address) ?? -Infinity) >= at;
  }
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

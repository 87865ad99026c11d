import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';

import type { SingleFlight } from '../lib/single-flight.ts';
import type { NameLookup } from './name-lookup.ts';
import type { Answer } from './resolver.ts';

/** Where the addresses of one name come from. */
export interface AddressSource {
  /**
   * The newest good answer. While there is none, and with `fresh`, asks first: at most once a second, for all who want that; a definite failure is believed
   * for that second. Rejects with what was said while there has been no good answer, or with the signal's reason.
   */
  addresses: (
    signal: AbortSignal,
    options?: { readonly fresh?: boolean },
  ) => Promise<readonly LookupAddress[]>;
  status: () => SourceStatus;
  /** Asks no more; who waits is told why. */
  close: (reason: Error) => void;
}

export interface SourceStatus {
  readonly addresses: readonly string[];
  /** How many more the name has. */
  readonly leftOut: number;
  /** Of the newest good answer, in s; null before there is one. */
  readonly ttl: number | null;
  readonly age: number | null;
  /** Why the name cannot be resolved at present; null when it can. */
  readonly problem: string | null;
}

/** Nothing is known of a name beforehand. */
const UNKNOWN: SourceStatus = { addresses: [], leftOut: 0, ttl: null, age: null, problem: null };

/** An address, which is its own and not judged. */
export class LiteralAddress implements AddressSource {
  readonly #record: LookupAddress;

  constructor(address: string) {
    this.#record = { address, family: isIP(address) };
  }

  async addresses(): Promise<readonly LookupAddress[]> {
    return [this.#record];
  }

  status(): SourceStatus {
    return { ...UNKNOWN, addresses: [this.#record.address] };
  }

  close(): void {}
}

/** A name that is asked for each time: each call gets an answer that was under way or came after it. */
export class KeptNowhere implements AddressSource {
  readonly #lookup: NameLookup;
  readonly #flights: SingleFlight<NameLookup, Answer>;
  #closed: Error | null = null;

  constructor(lookup: NameLookup, flights: SingleFlight<NameLookup, Answer>) {
    this.#lookup = lookup;
    this.#flights = flights;
  }

  async addresses(waiting: AbortSignal): Promise<readonly LookupAddress[]> {
    if (this.#closed !== null) throw this.#closed;
    const { records } = await this.#flights.join(this.#lookup, waiting);
    return records;
  }

  status(): SourceStatus {
    return UNKNOWN;
  }

  close(reason: Error): void {
    this.#closed = reason;
    this.#flights.cut(this.#lookup, reason);
  }
}

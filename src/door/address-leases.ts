import { hash } from 'node:crypto';

import { canonical } from '../config/host.ts';
import type { NameAddresses } from '../relay/name-addresses.ts';

interface Lease {
  readonly place: number;
  askedAt: number;
}

/**
 * For how long a name under a wildcard keeps its addresses when nobody asks for it any more, and nobody who has dialled them lives: as long as caches keep an
 * answer of ours. Then they go to another name, once no others are left. In ms.
 */
const LEASE = 30_000;

/**
 * Gives names addresses: to those that are listed for good, to others as they are asked for. Each begins to look for a free place at one that the name alone
 * decides, so that a door which starts again gives the same ones, and what clients remember of the last stays true.
 */
export class AddressLeases {
  readonly #addresses: NameAddresses;
  /** Told of places that have had no name before. */
  readonly #onFirst: (place: number) => void;
  /** By name, those that nobody has asked for longest first. */
  readonly #leases = new Map<string, Lease>();
  /** By place. */
  readonly #names: string[] = [];
  #listed: ReadonlySet<string> = new Set();

  constructor(addresses: NameAddresses, onFirst: (place: number) => void = () => {}) {
    this.#addresses = addresses;
    this.#onFirst = onFirst;
  }

  /** Has these names keep their addresses, and no others. */
  follow(listed: readonly string[]): void {
    this.#listed = new Set(listed.map(canonical));
    // Always in the same order: of two that begin at one place, the first gets it. Who gets none gets one when it is asked for.
    for (const name of [...this.#listed].toSorted()) this.#lease(name);
  }

  /** The place that a name has; null for none. */
  known(name: string): number | null {
    return this.#leases.get(canonical(name))?.place ?? null;
  }

  /** The place of a name that is asked for; null where no address is left for it. */
  placeOf(name: string): number | null {
    return this.#lease(canonical(name))?.place ?? null;
  }

  #lease(name: string): Lease | null {
    const lease = this.#leases.get(name) ?? this.#open(name);
    if (lease === null) return null;
    lease.askedAt = performance.now();
    this.#leases.delete(name);
    this.#leases.set(name, lease);
    return lease;
  }

  #open(name: string): Lease | null {
    for (const place of this.#candidates(name)) {
      // Somebody may have dialled it, whether or not it had a name.
      if (!this.#addresses.give(place, name)) continue;
      const former = this.#names[place];
      if (former === undefined) this.#onFirst(place);
      else this.#leases.delete(former);
      this.#names[place] = name;
      return { place, askedAt: 0 };
    }
    return null;
  }

  *#candidates(name: string): Generator<number> {
    const { size } = this.#addresses;
    const first = hash('sha256', name, 'buffer').readUInt32BE() % size;
    for (let i = 0; i < size && this.#leases.size < size; i++) {
      const place = (first + i) % size;
      if (this.#names[place] === undefined) yield place;
    }
    for (const [other, { place, askedAt }] of this.#leases) {
      if (askedAt > performance.now() - LEASE) return;
      if (!this.#listed.has(other)) yield place;
    }
  }
}

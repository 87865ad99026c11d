import { hash } from 'node:crypto';

import { canonical } from '../config/host.ts';
import type { NameAddresses } from '../relay/name-addresses.ts';

interface Lease {
  readonly index: number;
  /** The client that asked for it first; null where it is listed. */
  readonly source: string | null;
  askedAt: number;
}

/**
 * For how long a name under a wildcard keeps its addresses when nobody asks for it any more, and nobody who has dialled them lives: as long as caches keep an
 * answer of ours. Then they go to another name, once no others are left. In ms.
 */
const LEASE = 30_000;

/**
 * Gives names addresses: to those that are listed for good, to others as they are asked for. Each begins to look for a free index at one that the name alone
 * decides, so that a door which starts again gives the same ones, and what clients remember of the last stays true. No client has more names that are not
 * listed than there are addresses left, so that whoever comes next finds some.
 */
export class AddressLeases {
  readonly #addresses: NameAddresses;
  /** Told of indexes that have had no name before. */
  readonly #onFirst: (index: number) => void;
  /** By name, those that nobody has asked for longest first. */
  readonly #leases = new Map<string, Lease>();
  /** By index. */
  readonly #names: string[] = [];
  #listed: ReadonlySet<string> = new Set();
  /** How many each client has, by its address. */
  readonly #counts = new Map<string, number>();

  constructor(addresses: NameAddresses, onFirst: (index: number) => void = () => {}) {
    this.#addresses = addresses;
    this.#onFirst = onFirst;
  }

  /** Has these names keep their addresses, and no others. */
  follow(listed: readonly string[]): void {
    this.#listed = new Set(listed.map(canonical));
    // Always in the same order: of two that begin at one index, the first gets it. Who gets none gets one when it is asked for.
    for (const name of [...this.#listed].toSorted()) this.#lease(name, null);
  }

  /** The index in the range of the addresses that a name has; null for none. */
  known(name: string): number | null {
    return this.#leases.get(canonical(name))?.index ?? null;
  }

  /** The same of a name that a client at this address asks for; null where none is left for it. */
  indexOf(name: string, source: string): number | null {
    return this.#lease(canonical(name), source)?.index ?? null;
  }

  #lease(name: string, source: string | null): Lease | null {
    const lease = this.#leases.get(name) ?? this.#open(name, this.#listed.has(name) ? null : source);
    if (lease === null) return null;
    lease.askedAt = performance.now();
    this.#leases.delete(name);
    this.#leases.set(name, lease);
    return lease;
  }

  #open(name: string, source: string | null): Lease | null {
    for (const index of this.#candidates(name, source)) {
      // Somebody may have dialled it, whether or not it had a name.
      if (!this.#addresses.give(index, name)) continue;
      const former = this.#names[index];
      if (former === undefined) this.#onFirst(index);
      else this.#end(former);
      this.#names[index] = name;
      if (source !== null) this.#counts.set(source, (this.#counts.get(source) ?? 0) + 1);
      return { index, source, askedAt: 0 };
    }
    return null;
  }

  #end(name: string): void {
    const source = this.#leases.get(name)?.source ?? null;
    this.#leases.delete(name);
    if (source === null) return;
    const count = (this.#counts.get(source) ?? 0) - 1;
    if (count > 0) this.#counts.set(source, count);
    else this.#counts.delete(source);
  }

  #hasEnough(source: string): boolean {
    return (this.#counts.get(source) ?? 0) > this.#addresses.size - this.#leases.size;
  }

  *#candidates(name: string, source: string | null): Generator<number> {
    const hasEnough = source !== null && this.#hasEnough(source);
    if (!hasEnough) yield* this.#freeIndexes(name);
    for (const [other, { index, askedAt, source: its }] of this.#leases) {
      if (askedAt > performance.now() - LEASE) return;
      if (!this.#listed.has(other) && (!hasEnough || its === source)) yield index;
    }
  }

  /** From that of the name's hash on: clients remember addresses beyond a restart of ours. */
  *#freeIndexes(name: string): Generator<number> {
    const { size } = this.#addresses;
    if (this.#leases.size === size) return;
    const first = hash('sha256', name, 'buffer').readUInt32BE() % size;
    for (let i = 0; i < size; i++) {
      const index = (first + i) % size;
      if (this.#names[index] === undefined) yield index;
    }
  }
}

import { isIPv4 } from 'node:net';

import { v4, v6 } from '@leichtgewicht/ip-codec';

import type { Network } from './networks.ts';

/** A network of IPv4, one of IPv6, or both, for names to have addresses of. */
export interface NameNetworks {
  readonly v4: Network | null;
  readonly v6: Network | null;
}

/** More are not given out of one network, however large. */
const MOST = 4_096;
/** The last bits of an address, in which those of a range differ. */
const LAST = Uint32Array.BYTES_PER_ELEMENT;

/** As they are written in NAME_ADDRESSES. */
export function describeNameNetworks(networks: NameNetworks): string {
  return listNetworks(networks)
    .map((network) => network.join('/'))
    .join(' ');
}

/** How many names can have addresses there, one of each network. */
export function roomIn(networks: NameNetworks): number {
  return Math.min(...listNetworks(networks).map((network) => new AddressRange(network).size));
}

/** Those that there are. */
export function listNetworks(networks: NameNetworks): readonly Network[] {
  return [networks.v4, networks.v6].filter((network) => network !== null);
}

/** The addresses of a network that hosts may have, in a row: neither the first nor the last, which stand for all of it (RFC 1122 §3.2.1.3). */
export class AddressRange {
  readonly size: number;
  readonly #codec: typeof v4 | typeof v6;
  /** All but the last bits of each. */
  readonly #head: Buffer;
  /** The last bits of the first. */
  readonly #first: number;

  constructor([address, prefix]: Network) {
    this.#codec = isIPv4(address) ? v4 : v6;
    const bytes = Buffer.from(this.#codec.encode(address));
    const free = bytes.length * 8 - prefix;
    const all = 2 ** Math.min(free, LAST * 8);
    this.size = Math.max(0, Math.min(MOST, all - 2));
    const lastAt = bytes.length - LAST;
    const last = bytes.readUInt32BE(lastAt);
    for (let bit = prefix; bit < lastAt * 8; bit++)
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) & ~(0x80 >> (bit & 7));
    this.#head = bytes.subarray(0, lastAt);
    this.#first = last - (last % all) + 1;
  }

  /** The address at an index from 0 on. */
  at(index: number): string {
    const last = Buffer.alloc(LAST);
    last.writeUInt32BE(this.#first + index);
    return this.#codec.decode(Buffer.concat([this.#head, last]));
  }

  /** The index of an address of the same family; null where it has none. */
  indexOf(address: string): number | null {
    const bytes = Buffer.from(this.#codec.encode(address));
    const lastAt = bytes.length - LAST;
    const index = bytes.readUInt32BE(lastAt) - this.#first;
    return index >= 0 && index < this.size && bytes.subarray(0, lastAt).equals(this.#head) ? index : null;
  }
}

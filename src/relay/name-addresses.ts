import { isIPv4 } from 'node:net';

import { AddressRange, type NameNetworks, roomIn } from '../lib/address-range.ts';
import { unmapped } from '../lib/unmapped.ts';
import { Refusal } from '../wire/refusal.ts';
import type { Lead, Target } from './target.ts';

/** What threads share of names that have addresses, by index in the range. */
export interface NameAddressCells {
  /** The length of the name in bytes, 0 for none, below how often it has changed. */
  readonly versions: Uint32Array<SharedArrayBuffer>;
  /** How many clients have dialled the address, and live; less than 0 while it gets another name. */
  readonly clients: Int32Array<SharedArrayBuffer>;
  readonly names: Uint8Array<SharedArrayBuffer>;
}

/** RFC 1035 §2.3.4, in bytes. */
const ROOM_OF_NAME = 256;
const MORE_THAN_ALL_CLIENTS = 2 ** 30;

/** Names that have addresses of their own, which clients dial to be led there. One thread gives the addresses, all read. */
export class NameAddresses {
  readonly size: number;
  readonly cells: NameAddressCells;
  readonly #v4: AddressRange | null;
  readonly #v6: AddressRange | null;
  /** Names as they were read, each with its version: to make text of bytes takes ten times as long as to look. */
  readonly #read: { readonly version: number; readonly name: string }[] = [];

  constructor(networks: NameNetworks, cells: NameAddressCells = newCells(roomIn(networks))) {
    this.cells = cells;
    this.size = cells.versions.length;
    this.#v4 = networks.v4 && new AddressRange(networks.v4);
    this.#v6 = networks.v6 && new AddressRange(networks.v6);
  }

  /** The addresses at an index. */
  at(index: number): { readonly v4: string | null; readonly v6: string | null } {
    return { v4: this.#v4?.at(index) ?? null, v6: this.#v6?.at(index) ?? null };
  }

  /**
   * Where one of our addresses leads that a client has dialled: to the name that has it, which keeps it until that lead ends; null for an address that is not
   * for names, and for '', one that is not known. Throws a Refusal where no name has it, or what `targetOf` throws.
   */
  lead(own: string, targetOf: (name: string) => Target): Lead | null {
    const index = this.#indexOf(own);
    if (index === null) return null;
    const { clients } = this.cells;
    const isChanging = Atomics.add(clients, index, 1) < 0;
    const end = () => void Atomics.sub(clients, index, 1);
    try {
      const name = isChanging ? null : this.#nameAt(index);
      if (name === null) throw new Refusal('no name', `no name has the address ${unmapped(own)}`);
      return { target: targetOf(name), end };
    } catch (cause) {
      end();
      throw cause;
    }
  }

  #indexOf(address: string): number | null {
    const [ip = '', zone] = unmapped(address).split('%');
    if (ip === '' || zone !== undefined) return null;
    const index = (isIPv4(ip) ? this.#v4 : this.#v6)?.indexOf(ip) ?? null;
    return index !== null && index < this.size ? index : null;
  }

  #nameAt(index: number): string | null {
    const version = Atomics.load(this.cells.versions, index);
    const length = version % ROOM_OF_NAME;
    if (length === 0) return null;
    const known = this.#read[index];
    if (known?.version === version) return known.name;
    const start = index * ROOM_OF_NAME;
    const name = Buffer.from(this.cells.names.buffer, start, length).toString('latin1');
    this.#read[index] = { version, name };
    return name;
  }

  /** Gives the addresses at an index to a name, for the thread that gives them; whether they were not in use. */
  give(index: number, name: string): boolean {
    const { versions, clients, names } = this.cells;
    // Who comes meanwhile comes too late for the one name, and too early for the other.
    if (Atomics.compareExchange(clients, index, 0, -MORE_THAN_ALL_CLIENTS) !== 0) return false;
    const changes = Math.trunc((versions[index] ?? 0) / ROOM_OF_NAME) + 1;
    names.set(Buffer.from(name, 'latin1'), index * ROOM_OF_NAME);
    Atomics.store(versions, index, changes * ROOM_OF_NAME + name.length);
    Atomics.add(clients, index, MORE_THAN_ALL_CLIENTS);
    return true;
  }
}

function newCells(size: number): NameAddressCells {
  const shared = (bytes: number) => new SharedArrayBuffer(size * bytes);
  return {
    versions: new Uint32Array(shared(Uint32Array.BYTES_PER_ELEMENT)),
    clients: new Int32Array(shared(Int32Array.BYTES_PER_ELEMENT)),
    names: new Uint8Array(shared(ROOM_OF_NAME)),
  };
}

import { isIPv4 } from 'node:net';

import { createNetworkTest, type Network } from '../lib/networks.ts';
import { recentInterfaces } from '../lib/recent-interfaces.ts';
import { type Addresses, OwnAddresses } from './own-addresses.ts';
import { addressRecord, type AddressRecords } from './records.ts';

/** How many of our addresses are remembered: a host may have whole networks of them. */
const MAX_KNOWN = 1_000;

/** The address records of allowed names: for all who ask, or by where they ask. */
export class AskedRecords {
  readonly #fixed: AddressRecords | null;
  readonly #listensAt: (address: string) => boolean;
  #interfaces: ReturnType<typeof recentInterfaces> = {};
  #own = new OwnAddresses({});
  readonly #known = new Map<string, AddressRecords>();

  /** `answers` null: where somebody asks. `bind`: where we listen; null: on all addresses of the host. */
  constructor(answers: Addresses | null, bind: readonly string[] | null) {
    this.#fixed = answers && toRecords(answers);
    this.#listensAt =
      bind === null ? () => true : createNetworkTest(bind.map((address) => boundNetwork(address)));
  }

  /** For who has asked at one of our addresses, for which the key stands. */
  at(key: string, addressOf: (key: string) => string): AddressRecords {
    if (this.#fixed !== null) return this.#fixed;
    this.#refresh();
    let records = this.#known.get(key);
    if (records === undefined) {
      if (this.#known.size === MAX_KNOWN) this.#known.clear();
      records = toRecords(this.#own.besides(addressOf(key)));
      this.#known.set(key, records);
    }
    return records;
  }

  /** For a client of which it is not known where it has asked. */
  towards(client: string): AddressRecords {
    if (this.#fixed !== null) return this.#fixed;
    this.#refresh();
    return toRecords(this.#own.towards(client));
  }

  /** Interfaces and addresses come and go. */
  #refresh(): void {
    const interfaces = recentInterfaces();
    if (interfaces === this.#interfaces) return;
    this.#interfaces = interfaces;
    this.#own = new OwnAddresses(interfaces, this.#listensAt);
    this.#known.clear();
  }
}

/** An address alone; or a whole family, for which its unspecified address stands. */
function boundNetwork(bound: string): Network {
  const [address = ''] = bound.split('%');
  if (address === '0.0.0.0' || address === '::') return [address, 0];
  return [address, isIPv4(address) ? 32 : 128];
}

/** Of one name or of all. */
export function toRecords({ v4, v6 }: Addresses): AddressRecords {
  const recordOf = (address: string | null) => (address === null ? null : addressRecord(address));
  return { v4: recordOf(v4), v6: recordOf(v6) };
}

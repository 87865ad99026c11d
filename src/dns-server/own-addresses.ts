import { isIPv4 } from 'node:net';
import type { networkInterfaces } from 'node:os';

import { createNetworkTest, type Network } from '../lib/networks.ts';
import { unmapped } from '../lib/unmapped.ts';

type Interfaces = ReturnType<typeof networkInterfaces>;

/** One of each family; null for none. */
export interface Addresses {
  readonly v4: string | null;
  readonly v6: string | null;
}

interface Interface {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly isOnLink: (address: string) => boolean;
}

/** The addresses of this host where we listen, by interface. */
export class OwnAddresses {
  readonly #interfaces: readonly Interface[];

  constructor(interfaces: Interfaces, listensAt: (address: string) => boolean = () => true) {
    // An address may have a label of its own, such as eth0:1.
    const byName = Map.groupBy(Object.entries(interfaces), ([label]) => label.replace(/:.*/, ''));
    this.#interfaces = Array.from(byName, ([name, labels]) => {
      const all = labels.flatMap(([, addresses = []]) => addresses);
      return {
        name,
        addresses: all.map(({ address }) => address).filter((address) => listensAt(address)),
        isOnLink: createNetworkTest(all.flatMap(({ cidr }) => (cidr === null ? [] : [networkOf(cidr)]))),
      };
    });
  }

  /**
   * Where somebody reaches us who has reached this address: there, and at an address of the other family of the same interface. One that is link-local needs an
   * interface, which no record has (RFC 4007 §6): then it is another one of its interface.
   */
  besides(asked: string): Addresses {
    const [ip = '', zone] = unmapped(asked).split('%');
    const found =
      this.#named(zone) ??
      this.#interfaces.find(({ addresses }) => addresses.includes(ip)) ??
      this.#interfaces.find(({ isOnLink }) => isOnLink(ip));
    const others = found?.addresses.filter((address) => isLoopback(address) === isLoopback(ip)) ?? [];
    return oneOfEach([ip, ...others]);
  }

  /** The same for a client who has reached an address that is not known: of the interface that leads to it, as far as our networks tell. */
  towards(client: string): Addresses {
    const [ip = '', zone] = unmapped(client).split('%');
    const isOfFamily = (address: string) => isIPv4(address) === isIPv4(ip);
    const found =
      this.#named(zone) ??
      this.#interfaces.find(({ isOnLink }) => isOnLink(ip)) ??
      this.#interfaces.find(({ addresses }) => addresses.some(isOfFamily) && !addresses.some(isLoopback));
    return oneOfEach(found?.addresses ?? []);
  }

  #named(zone: string | undefined): Interface | undefined {
    return this.#interfaces.find(({ name }) => name === zone);
  }
}

/** The first of each family that any host of its network can dial. */
function oneOfEach(addresses: readonly string[]): Addresses {
  const useful = addresses.filter((address) => !isLinkLocal(address));
  return {
    v4: useful.find((address) => isIPv4(address)) ?? null,
    v6: useful.find((address) => !isIPv4(address)) ?? null,
  };
}

function networkOf(cidr: string): Network {
  const [address = '', prefix] = cidr.split('/');
  return [address, Number(prefix)];
}

/** IPv6's alone: IPv4's can be dialled by whoever has reached it (RFC 4291 §2.5.6). */
function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

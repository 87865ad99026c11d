import { type Kernel, openKernel } from '../kernel/kernel.ts';
import { disownAddress, disownNetwork, ownAddress, ownNetwork } from '../kernel/own-addresses.ts';
import { AddressRange, listNetworks, type NameNetworks } from '../lib/address-range.ts';
import { listSome } from '../lib/list-some.ts';
import { messageOf } from '../lib/message-of.ts';
import { createNetworkTest, type Network } from '../lib/networks.ts';
import { addressesOf, type Interfaces, recentInterfaces } from '../lib/recent-interfaces.ts';

/** An address that an interface has. */
interface InterfaceAddress {
  readonly interfaceName: string;
  readonly address: string;
  readonly prefix: number;
}

/** An address of IPv6 that was taken before this program began anew. */
const ALONE = 128;
const RIGHTS =
  'it takes the capability NET_ADMIN, which only root can use: cap_add: [NET_ADMIN] and user: "0:0", beside cap_drop: [ALL]';

/** The networks of NAME_ADDRESSES, as this host's own: clients reach it at all addresses of IPv4, and at those of IPv6 that are taken. */
export class OwnNetworks {
  readonly #kernel: Kernel;
  readonly #taken = new Set<string>();
  readonly #networks: NameNetworks;
  readonly #stopWatching: () => void;

  /** Throws with what speaks against it. */
  constructor(networks: NameNetworks) {
    let why: unknown = null;
    const kernel = openKernel((cause) => (why = cause));
    if (kernel === null) throw new Error(`NAME_ADDRESSES: C cannot be called: ${messageOf(why)}`);
    this.#kernel = kernel;
    this.#networks = networks;
    for (const network of listNetworks(networks)) own(kernel, network);
    // An interface that goes and comes has lost them.
    this.#stopWatching = kernel.links.watch((interfaces) => {
      const there = new Set(addressesOf(interfaces).map(({ address }) => address));
      for (const address of this.#taken) if (!there.has(address)) this.#give(address, interfaces);
    });
  }

  take(address: string): void {
    this.#taken.add(address);
    this.#give(address, recentInterfaces());
  }

  /** Gives all back: a network may outlive this program. */
  close(): void {
    this.#stopWatching();
    const ours = interfaceAddresses(recentInterfaces());
    for (const address of this.#taken) {
      const home = homeOf([address, ALONE], ours);
      if (home !== undefined) attempt(() => disownAddress(this.#kernel, address, home.interfaceName));
    }
    for (const network of listNetworks(this.#networks)) attempt(() => disownNetwork(this.#kernel, network));
  }

  #give(address: string, interfaces: Interfaces): void {
    const home = homeOf([address, ALONE], interfaceAddresses(interfaces));
    if (home === undefined) return;
    // It may be about to go: then it gets the address when it is back.
    attempt(() => ownAddress(this.#kernel, address, home.interfaceName));
  }
}

function attempt(change: () => void): void {
  try {
    change();
  } catch {
    // An interface has gone, or is going.
  }
}

function own(kernel: Kernel, network: Network): void {
  const ours = interfaceAddresses(recentInterfaces());
  const problem = (what: string, cause: unknown = null) =>
    new Error(`NAME_ADDRESSES=${network.join('/')}: ${what}`, { cause });
  if (homeOf(network, ours) === undefined) {
    const listed = ours.map(({ address, prefix }) => `${address}/${prefix}`);
    throw problem(
      `it is within none of the networks here, where our addresses are ${listSome(listed, ', ')}`,
    );
  }
  const isIn = createNetworkTest([network]);
  const taken = ours.find(({ address }) => isIn(address));
  if (taken !== undefined)
    throw problem(
      `it has ${taken.address} in it, which is this host's own: take a part of its network that nobody else gets addresses of (ip_range)`,
    );
  try {
    ownNetwork(kernel, network);
  } catch (cause) {
    throw problem(`${messageOf(cause)}: ${RIGHTS}`, cause);
  }
}

/** The interface on whose network all addresses of another are. */
function homeOf(network: Network, ours: readonly InterfaceAddress[]): InterfaceAddress | undefined {
  const range = network[1] === ALONE ? null : new AddressRange(network);
  const ends = range === null ? [network[0]] : [range.at(0), range.at(range.size - 1)];
  return ours.find(({ address, prefix }) => {
    const isOnLink = createNetworkTest([[address, prefix]]);
    return ends.every((end) => isOnLink(end));
  });
}

function interfaceAddresses(interfaces: Interfaces): readonly InterfaceAddress[] {
  return Object.entries(interfaces).flatMap(([label, addresses = []]) =>
    addresses
      .filter(({ internal }) => !internal)
      .map(({ address, cidr }) => ({
        interfaceName: label.replace(/:.*/, ''), // an address may have a label of its own, such as eth0:1
        address,
        prefix: Number(cidr?.split('/')[1] ?? ALONE),
      }))
      .filter(({ prefix }) => prefix !== ALONE),
  );
}

import type { Config } from '../../config/config.ts';
import { listSome } from '../../lib/list-some.ts';
import { createNetworkTest, type Network } from '../../lib/networks.ts';
import { addressesOf, recentInterfaces } from '../../lib/recent-interfaces.ts';

/** The networks of this container, each by its own address there; but loopback. */
export function readNetworks(): readonly Network[] {
  return addressesOf(recentInterfaces()).flatMap(({ cidr, internal }) => {
    const [address, prefix] = cidr?.split('/') ?? [];
    return address === undefined || internal ? [] : [[address, Number(prefix)] as const];
  });
}

/** Warns where ALLOW_FROM lets nobody in who is on one of these networks. */
export function checkSources(
  { allowFrom }: Pick<Config, 'allowFrom'>,
  networks: readonly Network[],
): readonly string[] {
  if (allowFrom === null || networks.length === 0) return [];
  // Of two blocks that overlap, one holds any address of the other.
  const [isAllowed, isNear] = [createNetworkTest(allowFrom), createNetworkTest(networks)];
  const overlaps =
    allowFrom.some(([address]) => isNear(address)) || networks.some(([address]) => isAllowed(address));
  if (overlaps) return [];
  const names = networks
    .filter(([address]) => !address.startsWith('fe80:'))
    .map(([address, prefix]) => `${address}/${prefix}`);
  return [
    `ALLOW_FROM has no address of this container's networks (${listSome(names, ', ')}): apps there are refused`,
  ];
}

import { BlockList, isIPv4 } from 'node:net';

/** An address and the length of its prefix, in bits: a CIDR block. Bits beyond the prefix do not count. */
export type Network = readonly [address: string, prefix: number];

/** A test whether an address is in one of the networks, in one of its own family. What is no address is in none. */
export function createNetworkTest(networks: readonly Network[]): (address: string) => boolean {
  const [v4, v6] = [new BlockList(), new BlockList()];
  for (const [address, prefix] of networks) {
    if (isIPv4(address)) v4.addSubnet(address, prefix, 'ipv4');
    else v6.addSubnet(address, prefix, 'ipv6');
  }
  return (address) => (isIPv4(address) ? v4.check(address, 'ipv4') : v6.check(address, 'ipv6'));
}

import type { LookupAddress } from 'node:dns';
import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Networks are attached to a running container; at this age the list of its addresses is read again, in ms. */
const MAX_AGE = 1_000;

/**
 * Guards against dialling ourselves: on the internal network the target's name is our own alias, so its address may be ours, and a
 * relay that dials its own port would go round for ever. The guard throws when one of the addresses is ours and the port is one of
 * `listening`; the other addresses are then those of our replicas under the same alias.
 */
export function createLoopGuard(
  listening: ReadonlySet<number>,
): (addresses: readonly LookupAddress[], port: number) => readonly LookupAddress[] {
  let own = new BlockList();
  let readAt = -Infinity;

  return (addresses, port) => {
    if (!listening.has(port)) return addresses;

    const now = performance.now();
    if (now - readAt > MAX_AGE) {
      own = readOwnAddresses();
      readAt = now;
    }
    const ours = addresses.filter(({ address, family }) =>
      own.check(address, family === 6 ? 'ipv6' : 'ipv4'),
    );
    if (ours.length === 0) return addresses;

    const listed = ours.map(({ address }) => address).join(', ');
    throw new Error(
      `it resolves to this relay itself (${listed}), which would loop: set PRE_RESOLVE=1 so that NAMESERVERS are asked instead`,
    );
  };
}

/** Interfaces' addresses, all of loopback, and the unspecified addresses, which Linux connects to loopback. */
function readOwnAddresses(): BlockList {
  const list = new BlockList();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('0.0.0.0', 'ipv4');
  list.addAddress('::', 'ipv6');
  list.addAddress('::1', 'ipv6');
  for (const { address, family } of Object.values(networkInterfaces()).flatMap(
    (addresses) => addresses ?? [],
  )) {
    list.addAddress(address, family === 'IPv6' ? 'ipv6' : 'ipv4');
  }
  return list;
}

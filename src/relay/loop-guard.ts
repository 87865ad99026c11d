import type { LookupAddress } from 'node:dns';
import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Networks are attached to a running container; at this age the list of its addresses is read again, in ms. */
const MAX_AGE = 1_000;

/**
 * Guards against dialling ourselves: on the internal network the target's name is our own alias, so its address may be ours, and a
 * relay that dials its own port would go round for ever. The guard throws when we listen on one of the addresses and the port is one of
 * `listening`; the other addresses are then those of our replicas under the same alias. We listen on the addresses of `bind`, null for all.
 */
export function createLoopGuard(
  listening: ReadonlySet<number>,
  bind: readonly string[] | null,
): (addresses: readonly LookupAddress[], port: number) => readonly LookupAddress[] {
  let own = new BlockList();
  let readAt = -Infinity;

  return (addresses, port) => {
    if (!listening.has(port)) return addresses;

    const now = performance.now();
    if (now - readAt > MAX_AGE) {
      own = readOwnAddresses(bind);
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

/** Those of ours that are listened on, and the unspecified addresses, which Linux connects to loopback. */
function readOwnAddresses(bind: readonly string[] | null): BlockList {
  const list = new BlockList();
  const wholeFamilies = new Set((bind ?? ['0.0.0.0', '::']).filter(isUnspecified).map(familyOf));
  list.addAddress('0.0.0.0', 'ipv4');
  list.addAddress('::', 'ipv6');
  if (wholeFamilies.has('ipv4')) list.addSubnet('127.0.0.0', 8, 'ipv4');
  if (wholeFamilies.has('ipv6')) list.addAddress('::1', 'ipv6');
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const own = interfaces
    .map(({ address }) => address)
    .filter((address) => wholeFamilies.has(familyOf(address)));
  for (const address of [...own, ...(bind ?? [])]) list.addAddress(address, familyOf(address));
  return list;
}

/** Listened on, it stands for all of its family. */
function isUnspecified(address: string): boolean {
  return /^[0.:]+$/.test(address);
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

import type { LookupAddress } from 'node:dns';
import { BlockList, isIP } from 'node:net';

import { listNetworks, type NameNetworks } from '../lib/address-range.ts';
import { addressesOf, type Interfaces, recentInterfaces } from '../lib/recent-interfaces.ts';

/** Whoever dialled the target would dial this relay itself; the message says what to do. */
export class LoopError extends Error {}

interface Options {
  /** Where we listen; null: at all addresses. */
  readonly bind: readonly string[] | null;
  readonly preResolve: boolean;
  /** Networks that are ours as well, though no interface has their addresses. */
  readonly nameAddresses: { readonly networks: NameNetworks } | null;
}

/** Returns the addresses of a target, or throws a LoopError when one of them is ours. */
export type LoopGuard = (
  target: { readonly host: string; readonly port: number },
  addresses: readonly LookupAddress[],
) => readonly LookupAddress[];

/**
 * Guards against dialling ourselves: on the internal network the target's name is our own alias, so its address may be ours, and a
 * relay that dials its own port would go round for ever. The guard throws when we listen on one of the addresses and the port is one of
 * `listening`; the other addresses are then those of our replicas under the same alias, and two relays that dial each other loop as well. We listen on the
 * addresses of `bind`, null for all: the same port of another address of this host is no loop.
 */
export function createLoopGuard(
  listening: ReadonlySet<number>,
  { bind, preResolve, nameAddresses }: Options,
): LoopGuard {
  let own = new BlockList();
  let known: Interfaces | null = null;

  return ({ host, port }, addresses) => {
    if (!listening.has(port)) return addresses;

    const interfaces = recentInterfaces();
    if (interfaces !== known) {
      own = ownAddresses(interfaces, bind);
      for (const [address, prefix] of nameAddresses === null ? [] : listNetworks(nameAddresses.networks))
        own.addSubnet(address, prefix, familyOf(address));
      known = interfaces;
    }
    const ours = addresses.filter(({ address, family }) =>
      own.check(address, family === 6 ? 'ipv6' : 'ipv4'),
    );
    if (ours.length === 0) return addresses;

    const listed = ours.map(({ address }) => address).join(', ');
    if (isIP(host) !== 0)
      throw new LoopError(
        'it is this relay itself, which would loop: name another address, or listen on another port (such as PORT=8443:443)',
      );
    const remedy = preResolve
      ? 'name NAMESERVERS that know its own address'
      : 'set PRE_RESOLVE=1 so that NAMESERVERS are asked instead';
    throw new LoopError(`it resolves to this relay itself (${listed}), which would loop: ${remedy}`);
  };
}

/** Those of ours that are listened on, and the unspecified addresses, which Linux connects to loopback. */
function ownAddresses(interfaces: Interfaces, bind: readonly string[] | null): BlockList {
  const list = new BlockList();
  const wholeFamilies = new Set((bind ?? ['0.0.0.0', '::']).filter(isUnspecified).map(familyOf));
  list.addAddress('0.0.0.0', 'ipv4');
  list.addAddress('::', 'ipv6');
  if (wholeFamilies.has('ipv4')) list.addSubnet('127.0.0.0', 8, 'ipv4');
  if (wholeFamilies.has('ipv6')) list.addAddress('::1', 'ipv6');
  const own = addressesOf(interfaces)
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

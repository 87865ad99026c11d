import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

import type { Config } from '../../config/config.ts';
import { namesOf } from '../../config/listeners.ts';
import { isWildcard } from '../../config/targets.ts';
import { systemNameservers } from '../../dns/system.ts';
import { listSome } from '../../lib/list-some.ts';
import { type Found, findAddresses } from './names.ts';

/** Where Docker's DNS answers within a container; it knows the aliases of the container's networks. */
const DOCKER_DNS = '127.0.0.11';

/**
 * Warns where Docker's DNS does not lead as it should: the app to this relay, and a relay that asks it (PRE_RESOLVE=0) elsewhere. `found` is what
 * the relay finds, `runsHere` whether it runs in this container, which has its aliases then.
 */
export async function checkAliases(
  config: Config,
  { found, runsHere }: { readonly found: readonly Found[]; readonly runsHere: boolean },
): Promise<readonly string[]> {
  const relayed = new Set(
    config.listeners.filter(({ kind }) => kind !== 'http-proxy').flatMap(({ allowed }) => namesOf(allowed)),
  );
  if (relayed.size === 0 || !systemNameservers().includes(DOCKER_DNS)) return [];
  const isBeside = readNetworks();
  if (!config.preResolve) {
    return found
      .filter(({ target }) => target.includes('.') && isIP(target) === 0)
      .flatMap(({ target, addresses }) => {
        const beside = addresses.map(({ address }) => address).filter(isBeside);
        if (beside.length === 0) return [];
        return [
          `${target} is ${listSome(beside, ', ')}, a container beside this one: if that is the relay itself, by its alias, set PRE_RESOLVE=1`,
        ];
      });
  }
  if (!runsHere) return [];
  const names = [...relayed].filter((target) => !isWildcard(target) && isIP(target) === 0);
  const apps = await Promise.all(
    names.map((target) => findAddresses(target, { ...config, preResolve: false, scope: 'any' })),
  );
  return apps
    .filter(({ addresses }) => !addresses.some(({ address }) => isBeside(address)))
    .map(({ target, addresses }) => {
      const where =
        listSome(
          addresses.map(({ address }) => address),
          ', ',
        ) || 'nowhere';
      return `${target} leads to ${where} for apps beside this relay, not to it: give it that alias on their network`;
    });
}

/** Tells which addresses are on a network of this container's, its own among them. */
function readNetworks(): (address: string) => boolean {
  const list = new BlockList();
  const familyOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4');
  for (const { cidr, internal } of Object.values(networkInterfaces()).flatMap((each) => each ?? [])) {
    const [address, prefix] = cidr?.split('/') ?? [];
    if (address !== undefined && !internal) list.addSubnet(address, Number(prefix), familyOf(address));
  }
  return (address) => list.check(address, familyOf(address));
}

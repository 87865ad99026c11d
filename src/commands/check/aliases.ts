import { isIP } from 'node:net';

import type { Config } from '../../config/config.ts';
import { namesOf } from '../../config/listeners.ts';
import { isWildcard } from '../../config/targets.ts';
import { systemNameservers } from '../../dns/system.ts';
import { listSome } from '../../lib/list-some.ts';
import { createNetworkTest, type Network } from '../../lib/networks.ts';
import { type Found, findAddresses } from './names.ts';

/**
 * Where Docker's DNS answers within a container; it knows the aliases of the container's networks. Not `system`, which reads this container's own hosts
 * file first.
 */
const DOCKER_DNS = { text: 'Docker', protocol: 'udp', address: '127.0.0.11', port: 53 } as const;

/**
 * Warns where Docker's DNS does not lead as it should: the app to this relay, and a relay that asks it (PRE_RESOLVE=0) elsewhere. `found` is what
 * the relay finds, `runsHere` whether it runs in this container, which has its aliases then.
 */
export async function checkAliases(
  config: Config,
  {
    found,
    runsHere,
    networks,
  }: { readonly found: readonly Found[]; readonly runsHere: boolean; readonly networks: readonly Network[] },
): Promise<readonly string[]> {
  const relayed = new Set(
    config.listeners.filter(({ kind }) => kind !== 'http-proxy').flatMap(({ allowed }) => namesOf(allowed)),
  );
  if (relayed.size === 0 || !systemNameservers().includes(DOCKER_DNS.address)) return [];
  const isBeside = createNetworkTest(networks);
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
    names.map((target) =>
      findAddresses(target, { ...config, preResolve: true, nameservers: [DOCKER_DNS], scope: 'any' }),
    ),
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

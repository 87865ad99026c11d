import type { Config } from '../config/config.ts';
import { isName } from '../config/targets.ts';
import { NameAddresses } from '../relay/name-addresses.ts';
import { AddressLeases } from './address-leases.ts';

type Pair = ReturnType<NameAddresses['at']>;

/** Names that have addresses of their own, and what gives them. */
export interface GivenAddresses {
  readonly names: NameAddresses;
  /** Of a name that is asked for; null while none is left for it. */
  readonly addressesOf: (name: string, source: string) => Pair | null;
  /** Those that a name has now. */
  readonly known: (name: string) => readonly string[];
  /** Goes by these names from now on. */
  readonly follow: (config: Pick<Config, 'targets'>) => void;
  readonly close: () => void;
}

/** Gives names addresses, where they are to have some. Throws with what speaks against it; null where NAME_ADDRESSES is not set. */
export async function openNameAddresses({ nameAddresses }: Config): Promise<GivenAddresses | null> {
  if (nameAddresses === null) return null;
  // What is not needed is not loaded.
  const { OwnNetworks } = await import('../runtime/own-networks.ts');
  const own = new OwnNetworks(nameAddresses.networks);
  const names = new NameAddresses(nameAddresses.networks);
  const leases = new AddressLeases(names, (index) => {
    const { v6 } = names.at(index);
    if (v6 !== null) own.take(v6);
  });
  const at = (index: number | null) => (index === null ? null : names.at(index));
  return {
    names,
    addressesOf: (name, source) => at(leases.indexOf(name, source)),
    known: (name) => Object.values(at(leases.known(name)) ?? {}).filter((address) => address !== null),
    follow: ({ targets }) => leases.follow(targets.filter(isName)),
    close: () => own.close(),
  };
}

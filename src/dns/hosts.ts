import { isIP } from 'node:net';

interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** The addresses of a name, of both families, one for each line with the name. */
export type Hosts = (name: string) => readonly Address[];

/**
 * Reads /etc/hosts (hosts(5)): an address and its names on each line, `#` before a comment. All lines with a name count; one without a valid address is
 * passed over, as by glibc. Names are the same in either case.
 */
export function parseHosts(text: string): Hosts {
  const found = new Map<string, Address[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').split(/\s+/).filter(Boolean);
    const version = isIP(address);
    if (version === 0) continue;
    const family = version === 4 ? 4 : 6;
    for (const name of new Set(names.map((written) => written.toLowerCase()))) {
      const addresses = found.get(name) ?? [];
      found.set(name, addresses);
      addresses.push({ address, family });
    }
  }
  return (name) => found.get(name.toLowerCase()) ?? [];
}

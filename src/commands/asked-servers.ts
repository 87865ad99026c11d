import type { Config } from '../config/config.ts';
import type { NameserverAddress } from '../lib/nameserver-address.ts';

/** The nameservers that the relay asks. */
export function askedServers({
  preResolve,
  nameservers,
}: Pick<Config, 'preResolve' | 'nameservers'>): readonly NameserverAddress[] {
  return preResolve ? nameservers : [{ text: 'system', protocol: 'system' }];
}

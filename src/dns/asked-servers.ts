import type { NameserverAddress } from '../lib/nameserver-address.ts';

/** The nameservers that the relay asks. */
export function askedServers({
  preResolve,
  nameservers,
}: {
  readonly preResolve: boolean;
  readonly nameservers: readonly NameserverAddress[];
}): readonly NameserverAddress[] {
  return preResolve ? nameservers : [{ text: 'system', protocol: 'system' }];
}

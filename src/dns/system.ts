import { ADDRCONFIG, type LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';

import { abortable } from '../abortable.ts';
import { ResolveError } from '../resolve-error.ts';
import { limitAddresses, type Limited } from './limit-addresses.ts';

/**
 * The addresses that the container's own resolver gives for a name (getaddrinfo(3): /etc/hosts, then /etc/resolv.conf), of the families that the host
 * has; see limitAddresses for those that are left out.
 */
export async function resolveBySystem(name: string, signal: AbortSignal): Promise<Limited<LookupAddress>> {
  try {
    return limitAddresses(
      await abortable(lookup(name, { all: true, order: 'verbatim', hints: ADDRCONFIG }), signal),
    );
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOTFOUND') throw cause;
    throw new ResolveError(`${name} does not exist, or has no address (getaddrinfo ENOTFOUND)`, {
      isFinal: true,
      cause,
    });
  }
}

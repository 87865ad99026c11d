import { isIPv4 } from 'node:net';

import { addressesOf, recentInterfaces } from '../lib/recent-interfaces.ts';
import type { Question } from './wire/query.ts';

/**
 * The record types worth asking for: AAAA only where an interface has an IPv6 address that is not link-local, and so a route with it.
 * Loopback's counts where loopback may be dialled.
 */
export function recordTypes({ loopback }: { readonly loopback: boolean }): readonly Question['type'][] {
  const hasIPv6 = addressesOf(recentInterfaces()).some(
    ({ address, internal }) => !isIPv4(address) && !address.startsWith('fe80:') && (loopback || !internal),
  );
  return hasIPv6 ? ['A', 'AAAA'] : ['A'];
}

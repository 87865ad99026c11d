import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

import type { Question } from './wire/query.ts';

/** Networks are attached to a running container; at this age the list of its addresses is read again, in ms. Reading takes as long as a lookup. */
const MAX_AGE = 1_000;

let addresses: readonly { readonly address: string; readonly internal: boolean }[] = [];
let readAt = -Infinity;

/**
 * The record types worth asking for: AAAA only where an interface has an IPv6 address that is not link-local, and so a route with it.
 * Loopback's counts where loopback may be dialled.
 */
export function recordTypes({ loopback }: { readonly loopback: boolean }): readonly Question['type'][] {
  const now = performance.now();
  if (now - readAt > MAX_AGE) {
    addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    readAt = now;
  }
  const hasIPv6 = addresses.some(
    ({ address, internal }) => !isIPv4(address) && !address.startsWith('fe80:') && (loopback || !internal),
  );
  return hasIPv6 ? ['A', 'AAAA'] : ['A'];
}

import { ADDRCONFIG, type LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';

import { abortable } from '../abortable.ts';

/** All addresses that the container's own resolver gives for a name (getaddrinfo(3): /etc/hosts, then /etc/resolv.conf), of the families that the host has. */
export async function resolveBySystem(name: string, signal: AbortSignal): Promise<readonly LookupAddress[]> {
  return abortable(lookup(name, { all: true, order: 'verbatim', hints: ADDRCONFIG }), signal);
}

import { release } from 'node:os';

import type { Peer } from './peer.ts';

/** No relay at all: the client talks to the server, and the kernel forwards its packets. */
export function kernel(): Peer {
  return {
    name: 'kernel',
    description: 'forwarding by the kernel, no relay',
    version: release(),
    packages: [],
    protocols: ['tcp', 'udp'],
    start: null,
  };
}

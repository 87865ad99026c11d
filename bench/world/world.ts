import { spawnSync } from 'node:child_process';

import { openLoopback } from './loopback.ts';
import { openNamespaces } from './namespaces.ts';
import type { Place } from './place.ts';

/** A place of a relay of its own. */
interface OwnRelay extends Place {
  /** Addresses of the network of client and relay that nobody has: CIDR, of some 4,000. */
  readonly range: string;
}

/** A client, a relay and a server, and the network between them. */
export interface World {
  /** What it is made of, in words. */
  readonly description: string;
  readonly client: Place;
  readonly relay: Place;
  readonly server: Place;
  /** Another place between client and server, where nothing else changes what the network does. */
  readonly ownRelay: () => Promise<OwnRelay>;
  /** A port that nothing uses in any of the three. */
  readonly freePort: () => Promise<number>;
  /** One more address of the relay, at which nothing listens. */
  readonly freeAddress: () => Promise<string>;
}

/** Three network namespaces where this process may make them, loopback otherwise. */
export async function openWorld(
  { isLoopback }: { readonly isLoopback: boolean },
  stack: DisposableStack,
): Promise<World> {
  if (isLoopback) return openLoopback('as asked');
  const mayUnshare = spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up']).status === 0;
  return mayUnshare ? openNamespaces(stack) : openLoopback('as network namespaces need root and iproute2');
}

import { openLoopback } from './loopback.ts';
import { openNamespaces } from './namespaces.ts';
import type { Place } from './place.ts';

/** A client, a relay and a server, and the network between them. */
export interface World {
  /** What it is made of, in words. */
  readonly description: string;
  readonly client: Place;
  readonly relay: Place;
  readonly server: Place;
  /** A port that nothing uses in any of the three. */
  readonly freePort: () => Promise<number>;
}

/** Three network namespaces where this process is root, loopback otherwise. */
export async function openWorld(stack: DisposableStack): Promise<World> {
  return process.getuid?.() === 0 ? openNamespaces(stack) : openLoopback();
}

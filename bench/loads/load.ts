import type { Readings } from '../metrics.ts';
import type { Service, Started } from '../peers/peer.ts';
import type { World } from '../world/world.ts';

/** What a load is run with. */
export interface Run {
  readonly world: World;
  readonly started: Started;
  /** How long it lasts, in s. */
  readonly seconds: number;
}

/** Something that clients do. */
export interface Load {
  readonly name: string;
  readonly description: string;
  /** Programs that it needs, by Debian's package. */
  readonly needs: Readonly<Record<string, string>>;
  /** Whether each run has the peer started anew; it is kept, and warm, otherwise. */
  readonly isFresh?: boolean;
  /** Starts what it talks to; ended with the stack. */
  readonly serve: (world: World, stack: DisposableStack) => Promise<Service>;
  readonly run: (run: Run) => Promise<Readings>;
}

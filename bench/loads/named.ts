import type { Service } from '../peers/peer.ts';
import { launch } from '../world/launch.ts';
import { listening } from '../world/place.ts';
import type { World } from '../world/world.ts';
import { nodeProgram } from './node-program.ts';

const ZONE = 'bench.test';
/** What clients call the server. */
export const NAME = `target.${ZONE}`;

/**
 * Has a nameserver beside a service, so that the service goes by a name. All names of its zone lead there: a variant may have more of them in its TARGET.
 */
export async function named(service: Service, world: World, stack: DisposableStack): Promise<Service> {
  const { address } = world.server;
  const port = await world.freePort();
  const nameserver = launch(world.server, nodeProgram('nameserver', port, ZONE, address));
  stack.defer(() => nameserver.kill());
  await listening(world.server, { protocol: 'udp', port });
  return { ...service, name: { name: NAME, nameserver: `${address}:${port}` } };
}

import { launch } from '../world/launch.ts';
import { listening } from '../world/place.ts';
import type { World } from '../world/world.ts';

/** Starts a program in the server's place, and waits until it listens on the port. Ended with the stack. */
export async function serve(
  world: World,
  stack: DisposableStack,
  toCommand: (port: number) => readonly [string, ...string[]],
): Promise<number> {
  const port = await world.freePort();
  const program = launch(world.server, toCommand(port));
  stack.defer(() => program.kill());
  await listening(world.server, { protocol: 'tcp', port }).catch((cause: unknown) => {
    throw new Error(`${toCommand(port).join(' ')} does not serve: ${program.output().trim()}`, { cause });
  });
  return port;
}

import type { Load } from './loads/load.ts';
import type { Readings, Sample } from './metrics.ts';
import type { Peer, Started } from './peers/peer.ts';
import { startPeer } from './peers/start.ts';
import type { World } from './world/world.ts';

const WARM_UP = 1; // s

interface Options {
  readonly world: World;
  readonly rounds: number;
  readonly seconds: number;
  readonly say: (line: string) => void;
}

/** Puts a load on each peer in turn, round after round. A run that fails is told and leaves no sample. */
export async function runRounds(
  load: Load,
  peers: readonly Peer[],
  { world, rounds, seconds, say }: Options,
): Promise<readonly Sample[]> {
  using stack = new DisposableStack();
  const service = await load.serve(world, stack);
  const able = peers.filter(
    ({ protocols, isNamed = false }) =>
      isNamed === (load.isNamed ?? false) &&
      service.protocols.every((protocol) => protocols.includes(protocol)),
  );
  const start = (peer: Peer) => startPeer(peer, service, { world, stack });
  const samples: Sample[] = [];

  /** Null when it has failed. */
  const attempt = async (started: Started, duration: number): Promise<Readings | null> => {
    try {
      return await load.run({ world, started, seconds: duration });
    } catch (error) {
      say(
        `${load.name}: ${started.peer.name} has failed: ${error instanceof Error ? error.message : String(error)}`,
      );
      return null;
    }
  };

  const kept = load.isFresh ? [] : await Promise.all(able.map(start));
  for (const started of kept) await attempt(started, WARM_UP);
  for (let round = 1; round <= rounds; round++) {
    for (const [turn, peer] of able.entries()) {
      const started = kept[turn] ?? (await start(peer));
      const readings = await attempt(started, seconds);
      if (load.isFresh) await started.stop();
      if (readings === null) continue;
      samples.push({ load: load.name, peer: peer.name, round, readings });
      say(`${load.name} ${round}/${rounds} ${peer.name}: ${describe(readings)}`);
    }
  }
  for (const started of kept) await started.stop();
  return samples;
}

function describe(readings: Readings): string {
  return Object.entries(readings)
    .map(([metric, value]) => `${metric} ${value.toPrecision(4)}`)
    .join(', ');
}

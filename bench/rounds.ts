import type { Load } from './loads/load.ts';
import type { Readings, Sample } from './metrics.ts';
import type { Peer, Started } from './peers/peer.ts';
import { startPeer } from './peers/start.ts';
import type { World } from './world/world.ts';

/** Long enough for a program that is compiled as it runs, in s. */
const WARM_UP = 4;

interface Options {
  readonly world: World;
  readonly rounds: number;
  readonly seconds: number;
  readonly say: (line: string) => void;
  /** Ends what is running when the whole bench ends. */
  readonly stack: DisposableStack;
}

/**
 * The order of a round, by place in the list. Some leave the machine busy for a while, as socat with all the processes that it has forked: so
 * over the rounds each comes behind each other one equally often where their number is prime, and else as evenly as steps through it allow.
 */
export function turnsOf(round: number, count: number): readonly number[] {
  const steps = Array.from({ length: count }, (_, step) => step).filter((step) => divisor(step, count) === 1);
  const step = steps[(round - 1) % steps.length] ?? 1;
  return Array.from({ length: count }, (_, turn) => (turn * step) % count);
}

/** The greatest that two numbers have in common. */
function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/** Puts a load on each peer in turn, round after round. What fails is told and leaves no sample. */
export async function runRounds(
  load: Load,
  peers: readonly Peer[],
  { world, rounds, seconds, say, stack: whole }: Options,
): Promise<readonly Sample[]> {
  using stack = whole.use(new DisposableStack());
  const service = await load.serve(world, stack);
  const able = peers.filter(({ protocols }) =>
    service.protocols.every((protocol) => protocols.includes(protocol)),
  );

  /** Null when it has failed. */
  const attempt = async <T>({ name }: Peer, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      say(`${load.name}: ${name} has failed: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  };
  const start = (peer: Peer) => attempt(peer, () => startPeer(peer, service, { world, stack }));
  const run = (started: Started, duration: number) =>
    attempt(started.peer, () => load.run({ world, started, seconds: duration }));

  const kept: (Started | null)[] = [];
  if (!load.isFresh) for (const peer of able) kept.push(await start(peer));
  for (const started of kept) if (started) await run(started, WARM_UP);

  const samples: Sample[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const turn of turnsOf(round, able.length)) {
      const peer = able[turn] as Peer;
      const started = load.isFresh ? await start(peer) : kept[turn];
      if (!started) continue;
      const readings = await run(started, seconds);
      if (load.isFresh) await started.stop();
      if (readings === null || Object.keys(readings).length === 0) continue;
      samples.push({ load: load.name, peer: peer.name, round, readings });
      say(`${load.name} ${round}/${rounds} ${peer.name}: ${describe(readings)}`);
    }
  }
  for (const started of kept) await started?.stop();
  return samples;
}

function describe(readings: Readings): string {
  return Object.entries(readings)
    .map(([metric, value]) => `${metric} ${value.toPrecision(4)}`)
    .join(', ');
}

import type { Door } from './doors/door.ts';
import { inflictAll } from './faults/inflict-all.ts';
import { Journal } from './judge/journal.ts';
import { Windows } from './judge/windows.ts';
import { runLoads } from './loads/run-loads.ts';
import { judgeRest, restOf } from './measure/rest.ts';
import { watch } from './measure/watch.ts';
import { describeMinute } from './report/minute.ts';
import { type OpenPlace, openWorld } from './world.ts';

const MINUTE = 60_000;
/** What has to be opened once is open after that, in ms. */
const WARM_UP = 5_000;

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly say: (line: string) => void;
  /** Ends the loads early. */
  readonly signal: AbortSignal;
}

/** What a run has come to. */
export interface Outcome {
  readonly journal: Journal;
  readonly doors: readonly Door[];
  /** How long the loads ran. */
  readonly minutes: number;
}

/** Puts all loads on all doors, has faults befall them, and ends everything in order. */
export async function soak(
  { minutes, seed, say, signal }: Options,
  stack: DisposableStack,
): Promise<Outcome> {
  const windows = new Windows();
  const journal = new Journal(windows, say);
  const wrong = (message: string) => journal.wrong(message);
  const world = await openWorld({ say, wrong }, stack);
  const { open } = world;
  const doors = open.map(({ door }) => door);
  const loads = open.flatMap(({ place }) => place.loads);
  await runLoads(loads, { journal, seed, signal: AbortSignal.any([signal, AbortSignal.timeout(WARM_UP)]) });
  const atRest = await measureRest(open);
  say(`Doors: ${doors.map(({ name }) => name).join(', ')}.`);
  journal.start();

  const length = minutes * MINUTE;
  const over = AbortSignal.any([signal, AbortSignal.timeout(length)]);
  const start = performance.now();
  await Promise.all([
    runLoads(loads, { journal, seed, signal: over }),
    inflictAll(world, { seed, length, windows, journal, signal: over }),
    watch(doors, {
      signal: over,
      onMinute: (minute) => say(describeMinute(minute, { tallies: journal.takeMinute(), doors })),
    }),
  ]);
  const lasted = (performance.now() - start) / MINUTE;

  for (const door of doors) await end(door, { before: atRest.get(door) ?? null, wrong });
  return { journal, doors, minutes: lasted };
}

/** The descriptors at rest of those doors that are not started again meanwhile. */
async function measureRest(open: readonly OpenPlace[]): Promise<ReadonlyMap<Door, number>> {
  const kept = open.filter(({ place }) => !place.mayRestart);
  return new Map(await Promise.all(kept.map(async ({ door }) => [door, await restOf(door)] as const)));
}

async function end(
  door: Door,
  { before, wrong }: { readonly before: number | null; readonly wrong: (message: string) => void },
): Promise<void> {
  await judgeRest(door, { before, wrong });
  const code = await door.end('SIGTERM');
  if (code !== 0) wrong(`${door.name} was asked to stop and ended with ${code}`);
}

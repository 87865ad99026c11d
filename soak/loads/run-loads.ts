import { setTimeout as wait } from 'node:timers/promises';

import type { Journal } from '../judge/journal.ts';
import { randomOf } from '../random.ts';
import type { Load } from './attempt.ts';

/** What a client does between two attempts, in ms: nothing. */
const THINKS = { least: 20, most: 220 };

/** All clients of all loads, until the signal; resolves when the last attempt has come to its end. */
export async function runLoads(
  loads: readonly Load[],
  {
    journal,
    seed,
    signal,
  }: { readonly journal: Journal; readonly seed: number; readonly signal: AbortSignal },
): Promise<void> {
  const client = async ({ name, door, run }: Load, number: number) => {
    const random = randomOf(seed, `client ${number} of ${name} at ${door}`);
    while (!signal.aborted) {
      await run(random, journal);
      await wait(random.whole(THINKS.least, THINKS.most), undefined, { signal }).catch(() => {});
    }
  };
  await Promise.all(
    loads.flatMap((load) => Array.from({ length: load.clients }, (_, number) => client(load, number))),
  );
}

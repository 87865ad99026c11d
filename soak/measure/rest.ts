import { setTimeout as wait } from 'node:timers/promises';

import type { Door } from '../doors/door.ts';
import { messageOf } from '../message-of.ts';

/** Longer than sessions, refusals that linger and peers that do not read take to end, in ms. */
const PATIENCE = 120_000;
const LOOK_EVERY = 250; // ms
/** What a door opens once and keeps, when something happens for the first time. */
const SPARE_DESCRIPTORS = 3;

/** The descriptors of a door that has no client. Rejects when it does not come to that. */
export async function restOf(door: Door): Promise<number> {
  await until(
    async () => (await door.clients()) === 0,
    () => `${door.name} still has clients, though all have gone`,
  );
  return door.descriptors();
}

/** Tells what is left of clients that have gone: `before` is how many descriptors there were at rest, null where that is not known. */
export async function judgeRest(
  door: Door,
  { before, wrong }: { readonly before: number | null; readonly wrong: (message: string) => void },
): Promise<void> {
  try {
    await restOf(door);
    if (before === null) return;
    await until(
      async () => door.descriptors() <= before + SPARE_DESCRIPTORS,
      () => `${door.name} has ${door.descriptors()} descriptors at rest, and had ${before} at the start`,
    );
  } catch (cause) {
    wrong(messageOf(cause));
  }
}

async function until(isSo: () => Promise<boolean>, why: () => string): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(why());
    await wait(LOOK_EVERY);
  }
}

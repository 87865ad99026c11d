import { expect } from 'vitest';

import { type Fault, isServedBy, suffer } from './suffer.ts';
import { ADDRESSES, namesWith, type World } from './world.ts';

/** How many questions the nameserver was asked. */
export const asked = async ({ nameserver }: World) => ((await nameserver.ask()) as { asked: number }).asked;

/** Resolves when the nameserver has been asked for both names since. */
async function askedAgain(world: World): Promise<void> {
  const before = await asked(world);
  await expect.poll(() => asked(world), { timeout: 20_000 }).toBeGreaterThanOrEqual(before + 4);
}

/** Has the bad target move, and resolves when clients have followed. */
async function moves(world: World): Promise<void> {
  world.nameserver.tell({ by: 'truth', names: namesWith(ADDRESSES.moved) });
  const { bad } = world.client;
  const before = await bad.seen();
  await expect
    .poll(async () => isServedBy(ADDRESSES.moved)(await bad.seen(), before), { timeout: 30_000 })
    .toBe(true);
}

/** Has a door outlive a nameserver that answers so once its names are known: nobody notices, and it is believed again later. */
export async function outlive(
  inflict: Fault['inflict'],
  mend: NonNullable<Fault['mend']> = () => {},
): Promise<void> {
  await suffer({
    inflict,
    async mend(world) {
      await mend(world);
      await moves(world);
    },
    isHarmless: true,
  });
}

/** The same, of a way to answer. */
export function outliveAnswers(by: string): Promise<void> {
  return outlive(async (world) => {
    world.nameserver.tell({ by, names: namesWith(ADDRESSES.bad) });
    await askedAgain(world);
  });
}

import { COMING_AND_GOING } from '../doors/listed.ts';
import type { Journal } from '../judge/journal.ts';
import type { Windows } from '../judge/windows.ts';
import { randomOf } from '../random.ts';
import type { World } from '../world.ts';
import { AT_DOOR } from './at-door.ts';
import { AT_NAMESERVER } from './at-nameserver.ts';
import { AT_TARGET } from './at-target.ts';
import { inflict } from './inflict.ts';
import { schedule } from './schedule.ts';

/** How long what a fault has broken may take to be well again, in ms. */
const GRACE = 2_000;
/** A door that has had no answer asks again after 8 s at the latest, as a nameserver fails no longer. */
const NAMESERVER_GRACE = 20_000;
/** So long that names are looked at between two faults that excuse old addresses. */
const NAMESERVER_PAUSE = 75_000;

interface Options {
  readonly seed: number;
  /** How long the run is meant to last, in ms. */
  readonly length: number;
  readonly windows: Windows;
  readonly journal: Journal;
  readonly signal: AbortSignal;
}

/** Has faults befall each door and the nameserver, all by the seed; resolves when all is well again after the last. */
export async function inflictAll(
  { open, nameserver }: World,
  { seed, length, journal, ...common }: Options,
): Promise<void> {
  const wrong = (message: string) => journal.wrong(message);
  const named = open.filter(({ place }) => 'NAMESERVERS' in place.spec.environment);
  const nameOf = ({ door }: (typeof open)[number]) => door.name;
  const atDoors = open.map(({ place, door }) => {
    const faults = [...AT_DOOR, ...AT_TARGET].filter(({ canBefall }) => canBefall(place));
    return inflict(schedule(faults, { seed, victim: door.name, length }), {
      ...common,
      victim: {
        place,
        door,
        wrong,
        random: randomOf(seed, `within faults of ${door.name}`),
      },
      doors: [door.name, ...(place.list === null ? [] : [COMING_AND_GOING])],
      grace: GRACE,
      wrong,
      note: (name) => journal.inflict(name, door.name),
    });
  });
  const atNameserver = inflict(
    schedule(AT_NAMESERVER, { seed, victim: 'the nameserver', length, longestPause: NAMESERVER_PAUSE }),
    {
      ...common,
      victim: { nameserver, random: randomOf(seed, 'within faults of the nameserver') },
      doors: named.map(nameOf),
      failing: [...named.filter(({ place }) => place.mayRestart).map(nameOf), COMING_AND_GOING],
      grace: NAMESERVER_GRACE,
      wrong,
      note: (name) => journal.inflict(name, 'nameserver'),
    },
  );
  await Promise.all([...atDoors, atNameserver]);
}

import { ADDRESSES } from '../doors/surroundings.ts';
import type { NameserverMood } from '../targets/nameserver.ts';
import type { NameserverFault } from './fault.ts';

const inMood = (name: string, mood: NameserverMood): NameserverFault => ({
  name,
  lasts: [500, 8_000],
  // A door keeps what it knew last.
  excuses: 'staleness',
  begin: async ({ nameserver }) => {
    nameserver.mood = mood;
    return async () => void (nameserver.mood = 'honest');
  },
});

/** What goes wrong with the nameserver of all doors with names. */
export const AT_NAMESERVER: readonly NameserverFault[] = [
  inMood('the nameserver is mute', 'mute'),
  inMood('the nameserver lies', 'lying'),
  inMood('the nameserver knows no name', 'nxdomain'),
  {
    name: 'names move',
    lasts: [0, 2_000],
    excuses: null,
    begin: async ({ nameserver, random }) => {
      for (const name of nameserver.names())
        if (random.chance(0.5)) nameserver.set(name, random.pick(ADDRESSES));
      return async () => {};
    },
  },
];

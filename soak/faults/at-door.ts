import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

import { COMING_AND_GOING } from '../doors/listed.ts';
import type { DoorFault, Victim } from './fault.ts';

/** How many come in a crowd, and from where: of another address than all others, so that these lose nothing but time. */
const CROWD = 300;
const CROWD_ADDRESS = '127.83.62.1';
/** So long a door may take to read its list, in ms. */
const READING = 30_000;

const READ = 'TARGET_FILE is read: its list is in force';
const UNUSABLE = 'TARGET_FILE cannot be used: the list in force stays';

const all = () => true;

/** What goes wrong with a door itself, its clients, its log and its list. */
export const AT_DOOR: readonly DoorFault[] = [
  {
    name: 'the relay is stopped (SIGSTOP)',
    lasts: [200, 2_000],
    excuses: null,
    canBefall: all,
    begin: async ({ door }) => {
      door.signal('SIGSTOP');
      return async () => door.signal('SIGCONT');
    },
  },
  {
    name: 'nobody reads the log',
    lasts: [1_000, 5_000],
    excuses: null,
    canBefall: all,
    begin: async ({ door }) => {
      door.readLog(false);
      return async () => door.readLog(true);
    },
  },
  {
    name: 'blackout',
    lasts: [200, 2_000],
    excuses: 'failure',
    // SIGHUP has that door read its list.
    canBefall: ({ list }) => list === null,
    begin: async ({ door }) => {
      const on = door.line('blackout on');
      door.signal('SIGUSR2');
      await on;
      return async () => {
        const off = door.line('blackout off');
        door.signal('SIGHUP');
        await off;
      };
    },
  },
  {
    name: 'a crowd that says nothing',
    lasts: [500, 4_000],
    excuses: null,
    canBefall: ({ crowdAt }) => crowdAt !== null,
    begin: async ({ place }) => {
      const sockets = Array.from({ length: CROWD }, () => joinCrowd(place.crowdAt ?? 0));
      return async () => {
        for (const socket of sockets) socket.resetAndDestroy();
      };
    },
  },
  {
    name: 'drained and started again',
    lasts: [0, 500],
    excuses: 'failure',
    canBefall: ({ mayRestart }) => mayRestart,
    begin: async ({ door, wrong }) => {
      const code = await door.end('SIGTERM');
      if (code !== 0) wrong(`${door.name} was drained and ended with ${code}`);
      return () => door.start();
    },
  },
  {
    name: 'killed and started again',
    lasts: [0, 500],
    excuses: 'failure',
    // Streams have no SO_LINGER: what lives on them ends as if complete.
    canBefall: ({ mayRestart, spec }) => mayRestart && spec.nodeOptions === undefined,
    begin: async ({ door }) => {
      await door.end('SIGKILL');
      return () => door.start();
    },
  },
  {
    name: 'the list changes',
    lasts: [0, 1_000],
    excuses: 'failure',
    excusedDoor: COMING_AND_GOING,
    canBefall: ({ list }) => list !== null,
    begin: async (victim) => {
      await reread(victim, READ, () => victim.place.list?.change(victim.random));
      return async () => {};
    },
  },
  {
    name: 'the list is broken',
    lasts: [500, 2_000],
    excuses: null,
    canBefall: ({ list }) => list !== null,
    begin: async (victim) => {
      await reread(victim, UNUSABLE, () => victim.place.list?.spoil(victim.random));
      return () => reread(victim, READ, () => victim.place.list?.write());
    },
  },
];

function joinCrowd(port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port, localAddress: CROWD_ADDRESS });
  return socket.on('error', () => {});
}

/** Changes the list and waits until the door says what it makes of it: at once for half of the changes, as SIGHUP asks for it. */
async function reread({ door, random, wrong }: Victim, line: string, change: () => void): Promise<void> {
  // Of one that SIGHUP had it read it may still say the same again, as it finds out by itself as well.
  const read = door.line(line).then(() => true);
  read.catch(() => {});
  change();
  if (random.chance(0.5)) door.signal('SIGHUP');
  const over = new AbortController();
  const late = wait(READING, false, { signal: over.signal }).catch(() => false);
  if (!(await Promise.race([read, late]))) wrong(`${door.name} did not say '${line}'`);
  over.abort();
}

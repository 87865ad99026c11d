import { dnsDoor } from './dns.ts';
import { listedDoor } from './listed.ts';
import { namedDoor } from './named.ts';
import type { Place } from './place.ts';
import { plainDoor } from './plain.ts';
import { proxyDoor, tunnelDoor } from './proxies.ts';
import type { Surroundings } from './surroundings.ts';

/** As long as a client waits for an answer, and more than there are in that time: a session that ends earlier would lose it. */
const SESSIONS = { UDP_TIMEOUT_MS: '15000', MAX_CONNECTIONS: '1000' };

/** All places of a run. Says which are left out. */
export async function openPlaces(
  around: Surroundings,
  say: (line: string) => void,
): Promise<readonly Place[]> {
  const dns = await dnsDoor(around);
  if (dns === null) say("the door's own DNS is left out: port 53 may not be listened on here");
  return [
    await plainDoor({ name: 'raw', tcp: 6, environment: { VERBOSE: '1' } }, around),
    await plainDoor(
      {
        name: 'udp',
        udp: 5,
        environment: { MODE: 'udp', UDP_TIMEOUT_MS: SESSIONS.UDP_TIMEOUT_MS, MAX_CONNECTIONS: '0' },
      },
      around,
    ),
    await plainDoor({ name: 'both', tcp: 3, udp: 3, environment: { WORKERS: '2', ...SESSIONS } }, around),
    await plainDoor(
      { name: 'waits', tcp: 8, environment: { WORKERS: '2', MAX_CONNECTIONS: '4', MAX_WAITING: '200' } },
      around,
    ),
    await plainDoor(
      {
        name: 'streams',
        tcp: 3,
        udp: 2,
        environment: { ...SESSIONS, DRAIN_TIMEOUT_MS: '1000' },
        nodeOptions: ['--no-experimental-ffi'],
        mayRestart: true,
      },
      around,
    ),
    await namedDoor(around),
    await proxyDoor(around),
    await tunnelDoor(around),
    ...(dns === null ? [] : [dns]),
    await listedDoor(around),
  ];
}

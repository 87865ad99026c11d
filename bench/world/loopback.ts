import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

import type { Place } from './place.ts';
import type { World } from './world.ts';

const HERE: Place = { wrap: (command, args) => [command, ...args], address: '127.0.0.1', pid: 'self' };

/** All three on the machine's loopback. */
export function openLoopback(reason: string): World {
  let next = 1;
  return {
    description: `loopback, ${reason}: no veth pair is crossed, and results say less`,
    client: HERE,
    relay: HERE,
    server: HERE,
    ownRelay: () => Promise.resolve({ ...HERE, range: '127.83.128.0/20' }),
    freePort,
    freeAddress: () => Promise.resolve(`127.83.53.${next++}`),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HERE.address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

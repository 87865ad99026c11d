import { serveHttp } from './http-server.ts';
import type { Load } from './load.ts';
import { NAME, named } from './named.ts';
import { cpuPer, withCpu } from './with-cpu.ts';
import { wrk } from './wrk.ts';

const CLIENTS = 32;
const GIGA = 1e9;
const BITS = 8;

const common = {
  needs: { wrk: 'wrk', nginx: 'nginx-light' },
  isNamed: true,
  serve: async (world, stack) => named(await serveHttp(world, stack), world, stack),
} satisfies Partial<Load>;

/** Clients that connect anew for each request and name the server in its Host. */
export function namedConnections(): Load {
  return {
    ...common,
    name: 'named-connections',
    description: `wrk, ${CLIENTS} clients, a connection for each request, the server named in Host`,
    async run({ world, started, seconds }) {
      const headers = [`Host: ${NAME}`, 'Connection: close'];
      const { result, cpu } = await withCpu(started, () =>
        wrk(world.client, started, { clients: CLIENTS, seconds, headers }),
      );
      return {
        namedConnections: result.perSecond,
        ...cpuPer('namedConnectionsCpu', cpu, result.requests / 1000),
      };
    },
  };
}

/** One client that fetches a large body again and again. */
export function namedDownload(): Load {
  return {
    ...common,
    name: 'named-download',
    description: 'wrk, one client, a body of 64 MiB at a time, the server named in Host',
    async run({ world, started, seconds }) {
      const options = { clients: 1, seconds, headers: [`Host: ${NAME}`], path: '/large' };
      const { result, cpu } = await withCpu(started, () => wrk(world.client, started, options));
      const rate = (result.bytes * BITS) / (result.microseconds / 1e6) / GIGA;
      return { namedDownload: rate, ...cpuPer('namedDownloadCpu', cpu, result.bytes / GIGA) };
    },
  };
}

import { serveHttp, UPLOAD } from './http-server.ts';
import type { Load } from './load.ts';
import { NAME, named } from './named.ts';
import { cpuPer } from './with-cpu.ts';
import { wrk } from './wrk.ts';

const CLIENTS = 32;
const MEBI = 2 ** 20;
const GIGA = 1e9;
const BITS = 8;
const HOST = `Host: ${NAME}`;

const common = {
  needs: { wrk: 'wrk', nginx: 'nginx-light' },
  serve: async (world, stack) =>
    named({ ...(await serveHttp(world, stack)), protocols: ['http'] }, world, stack),
} satisfies Partial<Load>;

/** Clients that keep their connections and name the server in the Host of each request. */
export function namedRoundTrips(): Load {
  return {
    ...common,
    name: 'named-round-trips',
    description: `wrk, ${CLIENTS} clients that keep their connections, the server named in Host`,
    async run(run) {
      const { perSecond, requests, cpu } = await wrk(run, { clients: CLIENTS, headers: [HOST] });
      return { namedRoundTrips: perSecond, ...cpuPer('namedRoundTripsCpu', cpu, requests / 1e6) };
    },
  };
}

/** Clients that connect anew for each request. */
export function namedConnections(): Load {
  return {
    ...common,
    name: 'named-connections',
    description: `wrk, ${CLIENTS} clients, a connection for each request, the server named in Host`,
    async run(run) {
      const { perSecond, requests, cpu } = await wrk(run, {
        clients: CLIENTS,
        headers: [HOST, 'Connection: close'],
      });
      return { namedConnections: perSecond, ...cpuPer('namedConnectionsCpu', cpu, requests / 1000) };
    },
  };
}

/** One client that sends a body again and again. */
export function namedUpload(): Load {
  return {
    ...common,
    name: 'named-upload',
    description: `wrk, one client, a body of ${UPLOAD / MEBI} MiB at a time, the server named in Host`,
    async run(run) {
      const { perSecond, requests, cpu } = await wrk(run, {
        clients: 1,
        headers: [HOST],
        path: '/upload',
        content: UPLOAD,
      });
      return {
        namedUpload: (perSecond * UPLOAD * BITS) / GIGA,
        ...cpuPer('namedUploadCpu', cpu, (requests * UPLOAD) / GIGA),
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
    async run(run) {
      const { bytes, microseconds, cpu } = await wrk(run, { clients: 1, headers: [HOST], path: '/large' });
      return {
        namedDownload: (bytes * BITS) / (microseconds / 1e6) / GIGA,
        ...cpuPer('namedDownloadCpu', cpu, bytes / GIGA),
      };
    },
  };
}

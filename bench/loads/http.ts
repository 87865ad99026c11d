import { serveHttp } from './http-server.ts';
import type { Load } from './load.ts';
import { wrk } from './wrk.ts';

const CLIENTS = 32;
const needs = { wrk: 'wrk', nginx: 'nginx-light' };

/** Clients that connect anew for each request. */
export function newConnections(): Load {
  return {
    name: 'connections',
    description: `wrk, ${CLIENTS} clients, a connection for each request`,
    needs,
    isFresh: false,
    serve: serveHttp,
    async run({ world, started, seconds }) {
      const before = started.cpu();
      const found = await wrk(world.client, started, {
        clients: CLIENTS,
        seconds,
        headers: ['Connection: close'],
      });
      const after = started.cpu();
      return {
        connections: found.requests / (found.microseconds / 1e6),
        ...(before !== null &&
          after !== null && { connectionsCpu: (after - before) / (found.requests / 1000) }),
      };
    },
  };
}

/** Clients that keep their connections. */
export function roundTrips(): Load {
  return {
    name: 'round-trips',
    description: `wrk, ${CLIENTS} clients that keep their connections`,
    needs,
    isFresh: false,
    serve: serveHttp,
    async run({ world, started, seconds }) {
      const found = await wrk(world.client, started, { clients: CLIENTS, seconds });
      return {
        roundTrips: found.requests / (found.microseconds / 1e6),
        roundTripsP50: found.p50 / 1000,
        roundTripsP99: found.p99 / 1000,
      };
    },
  };
}

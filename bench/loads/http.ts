import { serveHttp } from './http-server.ts';
import type { Load } from './load.ts';
import { cpuPer } from './with-cpu.ts';
import { wrk } from './wrk.ts';

const CLIENTS = 32;
const needs = { wrk: 'wrk', nginx: 'nginx-light' };

/** Clients that connect anew for each request. */
export function newConnections(): Load {
  return {
    name: 'connections',
    description: `wrk, ${CLIENTS} clients, a connection for each request`,
    needs,
    serve: serveHttp,
    async run(run) {
      const { perSecond, requests, cpu } = await wrk(run, {
        clients: CLIENTS,
        headers: ['Connection: close'],
      });
      return { connections: perSecond, ...cpuPer('connectionsCpu', cpu, requests / 1000) };
    },
  };
}

/** Clients that keep their connections. */
export function roundTrips(): Load {
  return {
    name: 'round-trips',
    description: `wrk, ${CLIENTS} clients that keep their connections`,
    needs,
    serve: serveHttp,
    async run(run) {
      const { perSecond, p50, p99 } = await wrk(run, { clients: CLIENTS });
      return { roundTrips: perSecond, roundTripsP50: p50 / 1000, roundTripsP99: p99 / 1000 };
    },
  };
}

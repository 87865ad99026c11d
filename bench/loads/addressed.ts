import { runToEnd } from '../world/launch.ts';
import { serveHttp } from './http-server.ts';
import type { Load } from './load.ts';
import { NAME, named } from './named.ts';
import { cpuPer } from './with-cpu.ts';
import { wrk } from './wrk.ts';

const CLIENTS = 32;

/** Clients that connect anew for each request, to the address that the peer's DNS has for the server's name. */
export function addressedConnections(): Load {
  return {
    name: 'addressed-connections',
    description: `wrk, ${CLIENTS} clients, a connection for each request, to the name's own address`,
    needs: { wrk: 'wrk', nginx: 'nginx-light', dig: 'bind9-dnsutils' },
    serve: async (world, stack) =>
      named({ ...(await serveHttp(world, stack)), protocols: ['address'] }, world, stack),
    async run(run) {
      const { client } = run.world;
      const asked = ['dig', '+short', `@${run.started.address}`, NAME] as const;
      const address = (await runToEnd(client, asked)).trim();
      const started = { ...run.started, address };
      const { perSecond, requests, cpu } = await wrk(
        { ...run, started },
        { clients: CLIENTS, headers: ['Connection: close'] },
      );
      return { addressedConnections: perSecond, ...cpuPer('addressedConnectionsCpu', cpu, requests / 1000) };
    },
  };
}

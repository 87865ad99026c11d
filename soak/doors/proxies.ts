import { httpLoad } from '../loads/http.ts';
import { tcpLoad } from '../loads/tcp.ts';
import { openTunnel } from '../loads/tunnel.ts';
import { freePort } from '../ports.ts';
import type { Place } from './place.ts';
import { openSite, openStreams, type Surroundings } from './surroundings.ts';

/** A forward proxy that looks into its tunnels. */
export async function proxyDoor(around: Surroundings): Promise<Place> {
  const name = 'proxy';
  const listen = await freePort();
  const [host, site] = ['tls.proxy.test', 'web.proxy.test'];
  const secure = await openStreams(host, around, { isNamed: true, isTls: true });
  const web = await openSite(site, around);
  return {
    spec: {
      name,
      environment: {
        ...around.resolving,
        MODE: 'http-proxy',
        LISTEN: String(listen),
        TARGET: `${host}:${secure.port} ${site}:${web.port}`,
      },
    },
    streams: [secure.target, web.target],
    datagrams: [],
    loads: [
      tcpLoad(
        { name: 'tls in a tunnel', door: name, clients: 3, receipts: around.receipts, ca: around.ca },
        () => ({
          endpoint: { port: listen },
          tlsName: host,
          check: around.names.checkFor(host),
          open: (socket) => openTunnel(socket, `${host}:${secure.port}`),
        }),
      ),
      httpLoad({ name: 'proxied http', door: name, clients: 3 }, () => ({
        port: listen,
        authority: `${site}:${web.port}`,
        isAbsolute: true,
        check: around.names.checkFor(site),
      })),
    ],
    mayRestart: false,
    crowdAt: listen,
    list: null,
  };
}

/** A forward proxy that leaves its tunnels unread. */
export async function tunnelDoor(around: Surroundings): Promise<Place> {
  const name = 'tunnels';
  const listen = await freePort();
  const host = 'raw.tunnels.test';
  const raw = await openStreams(host, around, { isNamed: true });
  return {
    spec: {
      name,
      environment: {
        ...around.resolving,
        MODE: 'http-proxy',
        LISTEN: String(listen),
        TARGET: `${host}:${raw.port}`,
        NAME_CHECK: 'off',
        WORKERS: '2',
        DRAIN_TIMEOUT_MS: '1000',
      },
    },
    streams: [raw.target],
    datagrams: [],
    loads: [
      tcpLoad({ name: 'tunnel', door: name, clients: 4, receipts: around.receipts }, () => ({
        endpoint: { port: listen },
        check: around.names.checkFor(host),
        open: (socket) => openTunnel(socket, `${host}:${raw.port}`),
      })),
    ],
    mayRestart: true,
    crowdAt: null,
    list: null,
  };
}

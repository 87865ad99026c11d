import { httpLoad } from '../loads/http.ts';
import { tcpLoad } from '../loads/tcp.ts';
import { freePort } from '../ports.ts';
import type { Place } from './place.ts';
import { openSite, openStreams, type Surroundings } from './surroundings.ts';

/** A door on whose two ports several names are told apart, by their hellos and by their requests. */
export async function namedDoor(around: Surroundings): Promise<Place> {
  const name = 'names';
  const [tlsPort, httpPort] = [await freePort(), await freePort()];
  const hosts = ['one.names.test', 'two.names.test'];
  const sites = ['one.web.test', 'two.web.test'];
  const secure = await Promise.all(
    hosts.map((host) => openStreams(host, around, { isNamed: true, isTls: true })),
  );
  const web = await Promise.all(sites.map((site) => openSite(site, around)));
  const targets = [
    ...secure.map(({ port }, index) => `${hosts[index]}:${tlsPort}:${port}`),
    ...web.map(({ port }, index) => `${sites[index]}:${httpPort}:${port}`),
  ];
  return {
    spec: {
      name,
      environment: {
        ...around.resolving,
        TARGET: targets.join(' '),
        NAME_CHECK: 'enforce',
        WORKERS: '2',
        VERBOSE: '1',
      },
    },
    streams: [...secure, ...web].map(({ target }) => target),
    datagrams: [],
    loads: [
      tcpLoad({ name: 'tls', door: name, clients: 4, receipts: around.receipts, ca: around.ca }, (random) => {
        const tlsName = random.pick(hosts);
        return { endpoint: { port: tlsPort }, tlsName, check: around.names.checkFor(tlsName) };
      }),
      httpLoad({ name: 'http', door: name, clients: 4 }, (random) => {
        const authority = random.pick(sites);
        return { port: httpPort, authority, isAbsolute: false, check: around.names.checkFor(authority) };
      }),
    ],
    mayRestart: false,
    crowdAt: tlsPort,
    list: null,
  };
}

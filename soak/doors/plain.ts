import { tcpLoad } from '../loads/tcp.ts';
import { udpLoad } from '../loads/udp.ts';
import { freePort } from '../ports.ts';
import type { Place } from './place.ts';
import { openDatagrams, openStreams, type Surroundings } from './surroundings.ts';

interface Kind {
  readonly name: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  /** How many clients of each protocol; without them it is not relayed. */
  readonly tcp?: number;
  readonly udp?: number;
  readonly mayRestart?: boolean;
}

/** A door to one address that reads nothing, over TCP, UDP or both. */
export async function plainDoor(
  { name, environment = {}, nodeOptions = [], tcp = 0, udp = 0, mayRestart = false }: Kind,
  around: Surroundings,
): Promise<Place> {
  const [tcpPort, udpPort] = [await freePort(), await freePort()];
  const streams = tcp > 0 ? [await openStreams(name, around)] : [];
  const datagrams = udp > 0 ? [await openDatagrams(name, around)] : [];
  const check = around.names.checkFor(name);
  const entries = [
    ...streams.map(({ port }) => `127.0.0.1:${tcpPort}:${port}`),
    ...datagrams.map(({ port }) => `127.0.0.1:${udpPort}:${port}/udp`),
  ];
  return {
    spec: { name, environment: { TARGET: entries.join(' '), ...environment }, nodeOptions },
    streams: streams.map(({ target }) => target),
    datagrams: datagrams.map(({ target }) => target),
    loads: [
      ...streams.map(() =>
        tcpLoad({ name: 'tcp', door: name, clients: tcp, receipts: around.receipts }, () => ({
          endpoint: { port: tcpPort },
          check,
        })),
      ),
      ...datagrams.map(({ number }) =>
        udpLoad({ name: 'udp', door: name, clients: udp }, { endpoint: { port: udpPort }, target: number }),
      ),
    ],
    mayRestart,
    crowdAt: tcp > 0 && !mayRestart ? tcpPort : null,
    list: null,
  };
}

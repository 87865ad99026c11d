import { dnsLoad } from '../loads/dns.ts';
import { tcpLoad } from '../loads/tcp.ts';
import { canListen, freePort } from '../ports.ts';
import type { Place } from './place.ts';
import { openStreams, type Surroundings } from './surroundings.ts';

/** Where it listens: nameservers are asked at port 53 alone. */
const ADDRESS = '127.83.53.53';

/** A door that answers for its names; null where port 53 may not be listened on. */
export async function dnsDoor(around: Surroundings): Promise<Place | null> {
  if (!(await canListen(53, ADDRESS))) return null;
  const name = 'dns';
  const [listen, wild] = [await freePort(), await freePort()];
  const host = 'app.dns.test';
  const raw = await openStreams(host, around, { isNamed: true });
  return {
    spec: {
      name,
      environment: {
        ...around.resolving,
        TARGET: `${host}:${listen}:${raw.port} *.wild.test:${wild}`,
        DNS: '1',
        BIND: ADDRESS,
      },
    },
    streams: [raw.target],
    datagrams: [],
    loads: [
      dnsLoad({ name: 'dns', door: name, clients: 4, address: ADDRESS }, [
        { name: host, type: 'A', answer: 'address' },
        { name: 'any.wild.test', type: 'A', answer: 'address' },
        { name: host, type: 'TXT', answer: 'no data' },
        { name: 'dns.test', type: 'A', answer: 'no data' },
        { name: 'other.test', type: 'A', answer: 'no name' },
      ]),
      tcpLoad({ name: 'tcp', door: name, clients: 2, receipts: around.receipts }, () => ({
        endpoint: { host: ADDRESS, port: listen },
        check: around.names.checkFor(host),
      })),
    ],
    mayRestart: false,
    crowdAt: null,
    list: null,
  };
}

/** A program, for a network of its own: the door's nameserver on port 53 at the addresses of BIND, or at all, which allows api.test. */
import { listenDns } from '../../../src/dns-server/listen.ts';
import { Zone } from '../../../src/door/zone.ts';
import { Counters } from '../../../src/relay/counters.ts';
import { openUdpSockets } from '../../../src/relay/udp/sockets.ts';

const { BIND } = process.env;
const say = (fields: object, message: string) => console.log(message, JSON.stringify(fields));
const log = { warn: say, info: say, debug: say };

const zone = new Zone({ targets: ['api.test'] });

await listenDns({
  port: 53,
  bind: BIND?.split(' ') ?? null,
  sharesPort: false,
  allowFrom: null,
  names: { judge: (name) => zone.judge(name).verdict, isThere: (name) => zone.isThere(name) },
  answers: null,
  sockets: await openUdpSockets(log),
  bare: true,
  probeSource: '127.83.80.1',
  counters: new Counters(),
  log,
});
console.log('serves');

/** A program, for a network of its own: the door's nameserver on port 53 at the addresses of BIND, or at all, which allows api.test. */
import { listenDns } from '../../../src/dns-server/listen.ts';
import { Counters } from '../../../src/relay/counters.ts';
import { openUdpSockets } from '../../../src/relay/udp/sockets.ts';

const { BIND } = process.env;
const say = (fields: object, message: string) => console.log(message, JSON.stringify(fields));
const log = { warn: say, info: say, debug: say };

await listenDns({
  port: 53,
  bind: BIND?.split(' ') ?? null,
  sharesPort: false,
  allowFrom: null,
  names: {
    judge: (name) => (name === 'api.test' ? 'allowed' : 'unknown'),
    isThere: (name) => name === 'test',
  },
  answers: null,
  sockets: await openUdpSockets(log),
  bare: true,
  probeSource: '127.83.80.1',
  counters: new Counters(),
  log,
});
console.log('serves');

import { openKernel } from '../kernel/kernel.ts';
import { throttle } from '../lib/throttle.ts';
import type { Log } from '../log/log.ts';
import { WithFields } from '../log/with-fields.ts';
import type { Counters } from '../relay/counters.ts';
import { listenAt, type PortOptions } from '../relay/listen-at.ts';
import { SAID_EVERY } from '../relay/relay.ts';
import { createSourceFilter, type SourceFilter } from '../relay/source-filter.ts';
import { openListener } from '../relay/tcp/open-listener.ts';
import type { TcpSocket } from '../relay/tcp/tcp-socket.ts';
import { bindAt, type UdpSockets } from '../relay/udp/sockets.ts';
import { AskedRecords } from './asked-records.ts';
import type { Names } from './knowledge.ts';
import type { Addresses } from './own-addresses.ts';
import { TcpClients } from './serve-tcp.ts';
import { serveUdp } from './serve-udp.ts';

interface Options extends Omit<PortOptions, 'blackoutFlag'> {
  readonly names: Names;
  /** Where allowed names lead; null: to the address that was asked, and that of the other family beside it. */
  readonly answers: Addresses | null;
  readonly sockets: UdpSockets;
  /** Whether TCP sockets are bare, where this Node can do that. */
  readonly bare: boolean;
  /** Clients from this address are healthcheck probes: they may ask from anywhere. */
  readonly probeSource: string;
  /** How long a TCP connection may be without a whole question, in ms. */
  readonly idleTimeout?: number;
  readonly counters: Counters;
  readonly log: Log;
}

/** The door's own nameserver. */
export interface DnsServer {
  /** For UDP and TCP, at each of its addresses. */
  readonly port: number;
  /** TCP connections that are open. */
  readonly connections: number;
  /** Rejects with a ListenError when a listener dies; never resolves. */
  readonly failed: Promise<never>;
  /** Listens no more, and ends all connections. */
  readonly close: () => void;
}

type DnsLog = WithFields<'port' | 'protocol'>;

/** In ms: a few seconds, as RFC 7766 §6.2.3 wants it. */
const IDLE_TIMEOUT = 5_000;

/** Answers DNS questions over UDP and TCP, and asks nobody. Rejects with a ListenError when it cannot listen. */
export async function listenDns(options: Options): Promise<DnsServer> {
  const log = new WithFields(options.log, { port: options.port, protocol: 'dns' });
  const tcp = await listenOverTcp(options, log);
  try {
    const udp = await listenOverUdp({ ...options, port: tcp.port }, log);
    return {
      port: tcp.port,
      get connections() {
        return tcp.connections;
      },
      failed: Promise.race([tcp.failed, udp.failed]),
      close() {
        udp.close();
        tcp.close();
      },
    };
  } catch (cause) {
    tcp.close();
    throw cause;
  }
}

async function listenOverTcp(options: Options, log: DnsLog): Promise<DnsServer> {
  const { bind: addresses, sharesPort, names, answers, counters, idleTimeout = IDLE_TIMEOUT } = options;
  const records = new AskedRecords(answers, addresses);
  const clients = new TcpClients({ names, counters, log, records, idleTimeout });
  const isWelcome = filterOf(options, log, 0);
  const accept = (client: TcpSocket) => {
    const { remoteAddress, remotePort } = client;
    if (isWelcome === null || isWelcome(remoteAddress, remotePort)) clients.serve(client);
    else client.reset();
  };
  const kernel = options.bare ? openKernel() : null;
  const onShort = throttle(SAID_EVERY, (err: Error | null) =>
    log.warn({ err }, 'no more clients can be accepted for now: they wait'),
  );
  const { listeners, port, failed } = await listenAt({
    protocol: 'tcp',
    port: options.port,
    addresses,
    open: (at) => openListener(at, { kernel, accept, onShort, sharesPort }),
  });
  return {
    port,
    get connections() {
      return clients.size;
    },
    failed,
    close() {
      for (const listener of listeners) listener.close();
      clients.close();
    },
  };
}

async function listenOverUdp(options: Options, log: DnsLog): Promise<Pick<DnsServer, 'failed' | 'close'>> {
  const { port, bind: addresses, names, answers, counters, sockets } = options;
  const records = new AskedRecords(answers, addresses);
  const isWelcome = filterOf(options, log, SAID_EVERY);
  const datagrams = { names, counters, log, received: sockets.received, records, isWelcome };
  const { listeners, failed } = await listenAt({
    protocol: 'udp',
    port,
    addresses,
    async open(at) {
      const socket = await bindAt(sockets, at, options);
      serveUdp(socket, datagrams);
      return socket;
    },
  });
  return {
    failed,
    close() {
      for (const socket of listeners) socket.close();
    },
  };
}

/** Null where all may ask. */
function filterOf(options: Options, log: DnsLog, logInterval: number): SourceFilter | null {
  const { allowFrom } = options;
  return allowFrom && createSourceFilter(allowFrom, { ...options, log, logInterval });
}

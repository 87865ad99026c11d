import { openKernel } from '../kernel/kernel.ts';
import { throttle } from '../lib/throttle.ts';
import type { Log } from '../log/log.ts';
import { WithFields } from '../log/with-fields.ts';
import type { Counters } from '../relay/counters.ts';
import { listenAt, type PortOptions } from '../relay/listen-at.ts';
import { SAID_EVERY } from '../relay/relay.ts';
import { createSourceFilter } from '../relay/source-filter.ts';
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

/** In ms: a few seconds, as RFC 7766 §6.2.3 wants it. */
const IDLE_TIMEOUT = 5_000;

/** Answers DNS questions over UDP and TCP, and asks nobody. Rejects with a ListenError when it cannot listen. */
export async function listenDns(options: Options): Promise<DnsServer> {
  const { port, bind: addresses, sharesPort, allowFrom, names, answers, counters } = options;
  const { idleTimeout = IDLE_TIMEOUT } = options;
  const log = new WithFields(options.log, { port, protocol: 'dns' });
  const shared = { names, counters, log };
  const filter = (logInterval: number) =>
    allowFrom && createSourceFilter(allowFrom, { ...options, log, logInterval });

  const clients = new TcpClients({
    ...shared,
    records: new AskedRecords(answers, addresses),
    idleTimeout,
  });
  const isWelcome = filter(0);
  const accept = (client: TcpSocket) => {
    const { remoteAddress, remotePort } = client;
    if (isWelcome === null || isWelcome(remoteAddress, remotePort)) clients.serve(client);
    else client.reset();
  };
  const kernel = options.bare ? openKernel() : null;
  const onShort = throttle(SAID_EVERY, (err: Error | null) =>
    log.warn({ err }, 'no more clients can be accepted for now: they wait'),
  );
  const tcp = await listenAt({
    protocol: 'tcp',
    port,
    addresses,
    open: (at) => openListener(at, { kernel, accept, onShort, sharesPort }),
  });

  const received = options.sockets.received;
  const datagrams = {
    ...shared,
    received,
    records: new AskedRecords(answers, addresses),
    isWelcome: filter(SAID_EVERY),
  };
  const closeTcp = () => {
    for (const listener of tcp.listeners) listener.close();
    clients.close();
  };
  try {
    const udp = await listenAt({
      protocol: 'udp',
      port: tcp.port,
      addresses,
      async open(at) {
        const socket = await bindAt(options.sockets, at, options);
        serveUdp(socket, datagrams);
        return socket;
      },
    });
    return {
      port: tcp.port,
      get connections() {
        return clients.size;
      },
      failed: Promise.race([tcp.failed, udp.failed]),
      close() {
        for (const socket of udp.listeners) socket.close();
        closeTcp();
      },
    };
  } catch (cause) {
    closeTcp();
    throw cause;
  }
}

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

import type { Log } from '../log.ts';
import { messageOf } from '../message-of.ts';
import { createDialOrder } from './dial-order.ts';
import { dialTcp, KEEP_ALIVE_DELAY } from './dial-tcp.ts';
import { endpoint } from './endpoint.ts';
import { ListenError, type Relay } from './relay.ts';
import { Slots } from './slots.ts';
import { splice } from './splice.ts';
import type { Target } from './target.ts';

interface Options {
  /** 0: any free port. */
  readonly port: number;
  readonly target: Target;
  /** Connections at a time; who comes later waits, undialled. Infinity for no limit. */
  readonly maxConnections: number;
  /** For a dial, name lookup included, in ms. */
  readonly connectTimeout: number;
  /** A connection without a byte either way for so long is reset, in ms; 0 for never. */
  readonly idleTimeout: number;
  /** Clients from this address are healthcheck probes: they take no slot. */
  readonly probeSource: string;
  readonly log: Log;
  /** Whether each connection is logged as info, not debug. */
  readonly verbose: boolean;
}

interface Connection {
  readonly client: Socket;
  /** null until dialled. */
  upstream: Socket | null;
  isWaiting: boolean;
  done: Promise<void>;
}

/** Beyond what the kernel allows (net.core.somaxconn): the kernel cuts it to its own limit. */
const BACKLOG = 65_535;

/** Listens on a port, on IPv6 and IPv4 alike where the host has both. Rejects with a ListenError when it cannot. */
export async function listenTcp(options: Options): Promise<Relay> {
  const { log, target } = options;
  const slots = new Slots(options.maxConnections);
  const order = createDialOrder();
  const connections = new Set<Connection>();
  let lastFailure: string | null = null;

  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY },
    (client) => {
      const connection: Connection = { client, upstream: null, isWaiting: false, done: Promise.resolve() };
      connections.add(connection);
      connection.done = serve(connection).finally(() => connections.delete(connection));
    },
  );

  /** One connection, from accept to both ends closed. Never rejects. */
  async function serve(connection: Connection): Promise<void> {
    const { client } = connection;
    const startedAt = performance.now();
    const from = endpoint(client.remoteAddress, client.remotePort);
    const gone = new AbortController();
    client.on('error', () => {}); // 'close' follows
    client.once('close', () => gone.abort(new Error('the client is gone')));

    const isProbe = client.remoteAddress?.endsWith(options.probeSource) === true;
    try {
      if (!isProbe) await takeSlot(connection, gone.signal);
      try {
        const upstream = await dialTcp(target, {
          order,
          timeout: options.connectTimeout,
          signal: gone.signal,
        });
        lastFailure = null;
        upstream.on('error', () => {});
        connection.upstream = upstream;
        const to = endpoint(upstream.remoteAddress, upstream.remotePort);
        const ending = await splice(client, upstream, options.idleTimeout);
        const fields = {
          client: from,
          target: endpoint(target.host, target.port),
          address: to,
          sent: upstream.bytesWritten,
          received: upstream.bytesRead,
          ms: Math.round(performance.now() - startedAt),
          ending,
        };
        log[options.verbose ? 'info' : 'debug'](fields, 'connection ended');
      } finally {
        if (!isProbe) slots.release();
      }
    } catch (err) {
      if (!gone.signal.aborted) {
        lastFailure = messageOf(err);
        log.warn({ client: from, err }, 'connection refused');
      }
      client.resetAndDestroy();
    }
  }

  /** A client that closes while it waits, without having sent a byte, has left: there is nothing to relay. */
  async function takeSlot(connection: Connection, signal: AbortSignal): Promise<void> {
    const { client } = connection;
    const leave = () => client.resetAndDestroy();
    client.once('end', leave);
    connection.isWaiting = true;
    try {
      await slots.take(signal);
    } finally {
      connection.isWaiting = false;
      client.off('end', leave);
    }
  }

  server.listen({ port: options.port, backlog: BACKLOG });
  await once(server, 'listening').catch((cause: unknown) => {
    throw new ListenError('listen on tcp', options.port, cause);
  });
  const { port } = server.address() as AddressInfo;

  return {
    port,
    get live() {
      return slots.held;
    },
    get waiting() {
      return slots.waiting;
    },
    get lastFailure() {
      return lastFailure;
    },
    failed: new Promise((_resolve, reject) => {
      server.on('error', (cause) => reject(new ListenError('go on listening on tcp', port, cause)));
    }),
    async drain(signal) {
      server.close();
      for (const { client, isWaiting } of connections) if (isWaiting) client.resetAndDestroy();
      const cut = () => {
        for (const { client, upstream } of connections) {
          client.resetAndDestroy();
          upstream?.resetAndDestroy();
        }
      };
      if (signal.aborted) cut();
      else signal.addEventListener('abort', cut);
      await Promise.all([...connections].map(({ done }) => done));
    },
  };
}

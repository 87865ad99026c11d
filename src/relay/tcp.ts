import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

import { Connection, type Shared } from './connection.ts';
import { createDialOrder } from './dial-order.ts';
import { KEEP_ALIVE_DELAY } from './dial-tcp.ts';
import { ListenError, type Relay } from './relay.ts';
import { reset } from './reset.ts';

/** Serves one client, from accept to both ends closed. Rejects when it cannot; the client is then reset. */
export type Serve = (connection: Connection) => Promise<void>;

interface Options extends Omit<Shared, 'order'> {
  /** 0: any free port. */
  readonly port: number;
  /** Whether others may listen on it as well (SO_REUSEPORT, socket(7)). */
  readonly sharesPort: boolean;
  readonly serve: Serve;
}

/** Beyond what the kernel allows (net.core.somaxconn): the kernel cuts it to its own limit. */
const BACKLOG = 65_535;

/** Listens on a port, on IPv6 and IPv4 alike where the host has both. Rejects with a ListenError when it cannot. */
export async function listenTcp(options: Options): Promise<Relay> {
  const { serve, slots, log } = options;
  /** Each with the end of its serving. */
  const connections = new Map<Connection, Promise<void>>();
  let lastFailure: string | null = null;
  const shared: Shared = {
    ...options,
    order: createDialOrder(),
    onDial: (failure) => {
      if (failure !== lastFailure) options.onDial(failure);
      lastFailure = failure;
    },
  };

  const server = createServer(
    {
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY,
    },
    (client) => {
      const connection = new Connection(client, shared);
      const served = serve(connection)
        .catch((err: unknown) => {
          if (!connection.gone.aborted) log.warn({ client: connection.from, err }, 'connection refused');
          reset(client);
        })
        .finally(() => {
          connection.release();
          connections.delete(connection);
        });
      connections.set(connection, served);
    },
  );

  server.listen({ port: options.port, backlog: BACKLOG, reusePort: options.sharesPort });
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
    makeRoom: () => false,
    async drain(signal) {
      server.close();
      for (const connection of connections.keys()) connection.drain();
      const cut = () => {
        for (const connection of connections.keys()) connection.cut();
      };
      if (signal.aborted) cut();
      else signal.addEventListener('abort', cut);
      await Promise.all(connections.values());
    },
  };
}

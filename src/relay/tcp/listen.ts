import { BareServer } from '../../kernel/bare-server.ts';
import { openKernel } from '../../kernel/kernel.ts';
import type { Network } from '../../lib/networks.ts';
import { Roster } from '../../lib/roster.ts';
import { sourceOf } from '../../lib/source-of.ts';
import { throttle } from '../../lib/throttle.ts';
import { sumCounts } from '../counters.ts';
import { createDialOrder } from '../dial-order.ts';
import { type Gate, SHUT } from '../gate.ts';
import { listenAt } from '../listen-at.ts';
import { logRefusal, type Reason } from '../log-refusal.ts';
import { nameClient } from '../name-client.ts';
import { type Relay, SAID_EVERY } from '../relay.ts';
import { createSourceGate } from '../source-gate.ts';
import { connectStream, createConnectBare } from './connect.ts';
import { Connection, type Shared, TOO_MANY_WAIT } from './connection.ts';
import type { End } from './end.ts';
import { IdleClients } from './idle-clients.ts';
import { openListener } from './open-listener.ts';

/** Serves one client, from accept to both ends closed. Rejects when it cannot; the client is then reset. */
export type Serve = (connection: Connection) => Promise<void>;

interface Options extends Omit<Shared, 'order' | 'connect' | 'onFull' | 'idleClients'> {
  /** 0: any free port. */
  readonly port: number;
  /** Whether others may listen on it as well (SO_REUSEPORT, socket(7)). */
  readonly sharesPort: boolean;
  /** Where it listens; null: on IPv6 and IPv4 alike where the host has both. */
  readonly bind: readonly string[] | null;
  /** Where clients may come from, others are reset at once; null: anywhere. */
  readonly allowFrom: readonly Network[] | null;
  readonly serve: Serve;
  /** Whether sockets stay bare until somebody needs a stream, where this Node can do that. */
  readonly bare: boolean;
  /** While it is shut, clients are reset at once. */
  readonly gate: Gate;
}

/** Listens on a port. Rejects with a ListenError when it cannot. */
export async function listenTcp(options: Options): Promise<Relay> {
  const { serve, gate, slots, descriptors, counters, log } = options;
  const sayStreams = (err: unknown) =>
    log.warn({ err }, 'C cannot be called: sockets are streams, which are slower');
  const kernel = options.bare ? openKernel(sayStreams) : null;
  const connections = new Roster<Connection>();
  const drained = Promise.withResolvers<void>();
  let isDraining = false;
  let lastFailure: string | null = null;
  const shared: Shared = {
    ...options,
    order: createDialOrder(),
    idleClients: new IdleClients(slots, () => connections.toArray()),
    connect: kernel === null ? connectStream : createConnectBare(kernel),
    onDial: (failure) => {
      if (failure !== lastFailure) options.onDial(failure);
      lastFailure = failure;
    },
    onFull: throttle(SAID_EVERY, () =>
      log.warn({ live: slots.held, waiting: slots.waiting + 1 }, 'all slots are taken: clients wait'),
    ),
  };

  const sayShort = throttle(SAID_EVERY, (err: Error | null) =>
    log.warn(
      { err: err ?? `too few of ${descriptors.limit} file descriptors are left` },
      'no more clients can be accepted for now: they wait',
    ),
  );
  const isWelcome = options.allowFrom && createSourceGate(options.allowFrom, { ...options, logInterval: 0 });

  const turnAway = (client: End, refusal: Reason) => {
    counters.refused(refusal.rule);
    logRefusal(log, nameClient(client, options.probeSource), refusal);
    client.reset();
  };
  /** Whether a client would be sent away as soon as it came to wait: then nothing else is done for it. */
  const isOneTooMany = ({ remoteAddress = '' }: End) => {
    const source = sourceOf(remoteAddress);
    return slots.waiting > 0 && source !== options.probeSource && options.waiting.isShutTo(source);
  };

  const accept = (client: End) => {
    if (gate.isShut) {
      turnAway(client, SHUT);
      return;
    }
    if (isWelcome !== null && !isWelcome(client.remoteAddress, client.remotePort)) {
      client.reset();
      return;
    }
    if (isOneTooMany(client)) {
      turnAway(client, TOO_MANY_WAIT);
      return;
    }
    const connection = new Connection(client, shared);
    connections.add(connection);
    void attend(connection);
  };
  const attend = async (connection: Connection) => {
    try {
      await serve(connection);
    } catch (err) {
      if (!connection.hasLeft) connection.reportFailure(err);
      connection.cut();
    } finally {
      connection.release();
      connections.delete(connection);
      if (isDraining && connections.size === 0) drained.resolve();
    }
  };
  const { listeners, port, failed } = await listenAt({
    protocol: 'tcp',
    port: options.port,
    addresses: options.bind,
    open: async (place) => {
      const listener = await openListener(place, {
        kernel,
        mayAccept: () => descriptors.areLeft,
        accept,
        sharesPort: options.sharesPort,
      });
      return listener instanceof BareServer ? listener.on('short', sayShort) : listener;
    },
  });

  const clear: Relay['clear'] = async (how) => {
    for (const connection of connections.toArray()) connection[how]();
  };

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
    counts: () => sumCounts([counters.cells]),
    failed,
    makeRoom: () => false,
    clear,
    async drain(signal) {
      isDraining = true;
      for (const server of listeners) server.close();
      void clear('drain');
      if (signal.aborted) void clear('cut');
      else signal.addEventListener('abort', () => void clear('cut'));
      if (connections.size > 0) await drained.promise;
    },
  };
}

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

import type { Log } from '../log.ts';
import { createDialOrder } from './dial-order.ts';
import { endpoint } from './endpoint.ts';
import { ListenError, type Relay } from './relay.ts';
import { Session, type SessionEnding } from './session.ts';
import type { Target } from './target.ts';

interface Options {
  /** 0: any free port. */
  readonly port: number;
  readonly target: Target;
  /** Sessions at a time; one more replaces the one that has been idle longest. Infinity for no limit. */
  readonly maxConnections: number;
  /** Whether the target answers. If not, all clients share one session, which asks for the name anew every `sessionTimeout`. */
  readonly answers: boolean;
  /** For the name lookup that opens a session, in ms. */
  readonly connectTimeout: number;
  /** A session without a datagram either way for so long ends, in ms. */
  readonly sessionTimeout: number;
  readonly log: Log;
  /** Whether each session is logged as info, not debug. */
  readonly verbose: boolean;
}

/** How often a drain looks for sessions that are settled, in ms. */
const SWEEP_INTERVAL = 100;

/** Listens on a port, on IPv6 and IPv4 alike where the host has both. Rejects with a ListenError when it cannot. */
export async function listenUdp(options: Options): Promise<Relay> {
  const { target, answers, log } = options;
  /** By client, or all under one key where no answers are expected. */
  const sessions = new Map<string, Session>();
  const order = createDialOrder();
  const drained = Promise.withResolvers<void>();
  let isDraining = false;
  let lastFailure: string | null = null;

  const socket = await bind(options.port).catch((cause: unknown) => {
    throw new ListenError('listen on udp', options.port, cause);
  });
  const closed = drained.promise.then(() => void socket.close());
  const { port } = socket.address();
  socket.on('message', (datagram, client) => {
    if (answers && client.port === 0) return; // nobody can be answered there (RFC 768)
    const key = answers ? `${client.address} ${client.port}` : 'everyone';
    const session = sessions.get(key) ?? (isDraining ? null : open(key, client));
    session?.send(datagram);
  });

  function open(key: string, client: RemoteInfo): Session {
    if (sessions.size >= options.maxConnections) findIdlest(sessions.values())?.end('replaced');
    const session: Session = new Session({
      target,
      order,
      connectTimeout: options.connectTimeout,
      timeout: options.sessionTimeout,
      onAnswer: answers ? (datagram) => answer(datagram, client) : null,
      onEnd: (ending) => {
        sessions.delete(key);
        report(session, answers ? endpoint(client.address, client.port) : key, ending);
      },
    });
    sessions.set(key, session);
    return session;
  }

  function answer(datagram: Buffer, client: RemoteInfo): void {
    // What cannot be sent is lost, as on any hop; the listener must not die of it.
    socket.send(datagram, client.port, client.address, () => {});
  }

  function report(session: Session, client: string, ending: SessionEnding): void {
    const { address, sent, received, startedAt } = session;
    const ms = Math.round(performance.now() - startedAt);
    const fields = { client, target: endpoint(target.host, target.port), address, sent, received, ms };
    lastFailure = ending instanceof Error ? ending.message : null;
    if (ending instanceof Error) log.warn({ ...fields, err: ending }, 'session failed');
    else log[options.verbose ? 'info' : 'debug']({ ...fields, ending }, 'session ended');
  }

  return {
    port,
    get live() {
      return sessions.size;
    },
    waiting: 0,
    get lastFailure() {
      return lastFailure;
    },
    failed: new Promise((_resolve, reject) => {
      socket.on('error', (cause) => reject(new ListenError('go on listening on udp', port, cause)));
    }),
    async drain(signal) {
      isDraining = true;
      const sweep = () => {
        for (const session of sessions.values()) if (session.isSettled) session.end('finished');
        if (sessions.size === 0) drained.resolve();
      };
      const cut = () => {
        for (const session of sessions.values()) session.end('cut off');
        drained.resolve();
      };
      const sweeping = setInterval(sweep, SWEEP_INTERVAL);
      sweep();
      if (signal.aborted) cut();
      else signal.addEventListener('abort', cut);
      await closed;
      clearInterval(sweeping);
    },
  };
}

/** Binds to all addresses; IPv6's takes IPv4 too, where the host has IPv6. */
async function bind(port: number): Promise<Socket> {
  try {
    return await bindTo('udp6', port);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') throw cause;
    return bindTo('udp4', port);
  }
}

async function bindTo(type: 'udp4' | 'udp6', port: number): Promise<Socket> {
  const socket = createSocket(type);
  try {
    socket.bind(port);
    await once(socket, 'listening');
    return socket;
  } catch (cause) {
    socket.close();
    throw cause;
  }
}

function findIdlest(sessions: Iterable<Session>): Session | null {
  let idlest: Session | null = null;
  for (const session of sessions) {
    if (idlest === null || session.lastActiveAt < idlest.lastActiveAt) idlest = session;
  }
  return idlest;
}

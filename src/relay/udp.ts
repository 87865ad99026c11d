import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

import type { Log } from '../log.ts';
import type { Network } from '../networks.ts';
import { throttle } from '../throttle.ts';
import { type Counters, sumCounts } from './counters.ts';
import { createDialOrder } from './dial-order.ts';
import { endpoint } from './endpoint.ts';
import { type Gate, SHUT } from './gate.ts';
import { listenAt } from './listen-at.ts';
import { logRefusal } from './log-refusal.ts';
import { type Place, type Relay, SAID_EVERY } from './relay.ts';
import { Session, type SessionEnding } from './session.ts';
import { Slots } from './slots.ts';
import { createSourceGate } from './source-gate.ts';
import type { Target } from './target.ts';

interface Options {
  /** 0: any free port. */
  readonly port: number;
  /** Whether others may listen on it as well (SO_REUSEPORT, socket(7)); each client is always the same one's. */
  readonly sharesPort: boolean;
  /** Where it listens; null: on IPv6 and IPv4 alike where the host has both. */
  readonly bind: readonly string[] | null;
  /** Where clients may come from, the datagrams of others are dropped; null: anywhere. */
  readonly allowFrom: readonly Network[] | null;
  /** Clients from this address are healthcheck probes. */
  readonly probeSource: string;
  readonly target: Target;
  /** While it is shut, no session is opened. */
  readonly gate: Gate;
  /** Sessions at a time; one more replaces the one that has been idle longest. Where no answers are expected, there is no limit. */
  readonly slots: Slots;
  /** Told when all slots are held by those who share the port: the datagram that would open a session is lost. */
  readonly onCrowded: () => void;
  /** Told of each datagram from a client. */
  readonly onTraffic: () => void;
  readonly counters: Counters;
  /** Told how sessions ended: why one failed, or null. */
  readonly onDial: (failure: string | null) => void;
  /** Whether the target answers. If not, all clients share one session, which asks for the name anew every `sessionTimeout`. */
  readonly answers: boolean;
  /** For the name lookup that opens a session, in ms. */
  readonly connectTimeout: number;
  /** A session without a datagram either way for so long ends, in ms. */
  readonly sessionTimeout: number;
  readonly log: Log;
  /** At which level the end of each session is logged; null for not at all. */
  readonly endLevel: 'info' | 'debug' | null;
}

/** Asked of the kernel for a burst that comes while we are busy, in bytes; it gives no more than net.core.rmem_max and wmem_max. */
const SOCKET_BUFFER = 4 * 1024 * 1024;
/** How often a drain looks for sessions that are settled, in ms. */
const SWEEP_INTERVAL = 100;

/** Listens on a port. Rejects with a ListenError when it cannot. */
export async function listenUdp(options: Options): Promise<Relay> {
  const { target, gate, answers, counters, log, endLevel, onTraffic } = options;
  const slots = answers ? options.slots : new Slots(Infinity);
  /** By listening socket and client, or all under one key where no answers are expected. */
  const sessions = new Map<string, Session>();
  const order = createDialOrder();
  const drained = Promise.withResolvers<void>();
  const sayFull = throttle(SAID_EVERY, () =>
    log.warn(
      { live: slots.held },
      'all slots are taken: new clients replace those that have been idle longest',
    ),
  );
  let isDraining = false;
  let lastFailure: string | null = null;

  const isWelcome =
    options.allowFrom && createSourceGate(options.allowFrom, { ...options, logInterval: SAID_EVERY });

  const { listeners, port, failed } = await listenAt({
    protocol: 'udp',
    port: options.port,
    addresses: options.bind,
    open: (place) => bind({ ...place, sharesPort: options.sharesPort }),
  });
  const closed = drained.promise.then(() => {
    for (const socket of listeners) socket.close();
  });
  for (const [index, socket] of listeners.entries()) {
    socket.on('message', (datagram, client) => {
      onTraffic();
      if (answers && client.port === 0) return; // nobody can be answered there (RFC 768)
      if (isWelcome !== null && !isWelcome(client.address, client.port)) return;
      const key = answers ? `${index} ${client.address} ${client.port}` : 'everyone';
      const session = sessions.get(key) ?? (isDraining ? null : open(key, { socket, client }));
      session?.send(datagram);
    });
  }

  function open(
    key: string,
    { socket, client }: { readonly socket: Socket; readonly client: RemoteInfo },
  ): Session | null {
    if (gate.isShut) {
      counters.refused(SHUT.rule);
      logRefusal(log, endpoint(client.address, client.port), SHUT);
      return null;
    }
    if (!slots.tryTake()) {
      sayFull();
      if (!makeRoom() || !slots.tryTake()) {
        options.onCrowded();
        return null;
      }
    }
    counters.opened();
    const session: Session = new Session({
      target,
      order,
      connectTimeout: options.connectTimeout,
      timeout: options.sessionTimeout,
      counters,
      // What cannot be sent is lost, as on any hop: without a callback, Node tells nobody.
      onAnswer: answers ? (datagram) => socket.send(datagram, client.port, client.address) : null,
      onEnd: (ending) => {
        sessions.delete(key);
        slots.release();
        report(session, answers ? endpoint(client.address, client.port) : key, ending);
      },
    });
    sessions.set(key, session);
    return session;
  }

  function makeRoom(): boolean {
    const idlest = findIdlest(sessions.values());
    idlest?.end('replaced');
    return idlest !== null;
  }

  function endAll(): void {
    for (const session of sessions.values()) session.end('cut off');
  }

  function report(session: Session, client: string, ending: SessionEnding): void {
    const { address, sent, received, startedAt } = session;
    const ms = Math.round(performance.now() - startedAt);
    const fields = { client, target: endpoint(target.host, target.port), address, sent, received, ms };
    const failure = ending instanceof Error ? ending.message : null;
    if (failure !== null) counters.refused('target unreachable');
    else if (answers && sent > 0 && received === 0) counters.unanswered();
    if (failure !== lastFailure) options.onDial(failure);
    lastFailure = failure;
    if (ending instanceof Error) log.warn({ ...fields, err: ending }, 'session failed');
    else if (endLevel !== null) log[endLevel]({ ...fields, ending }, 'session ended');
  }

  return {
    port,
    get live() {
      return slots.held;
    },
    waiting: 0,
    get lastFailure() {
      return lastFailure;
    },
    counts: () => sumCounts([counters.cells]),
    failed,
    makeRoom,
    async clear(how) {
      if (how === 'cut') endAll();
    },
    async drain(signal) {
      isDraining = true;
      const sweep = () => {
        for (const session of sessions.values()) if (session.isSettled) session.end('finished');
        if (sessions.size === 0) drained.resolve();
      };
      const cut = () => {
        endAll();
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

interface Binding extends Place {
  readonly sharesPort: boolean;
}

/** Binds to one address, or to all: IPv6's socket takes IPv4 too, where the host has IPv6. */
async function bind(binding: Binding): Promise<Socket> {
  if (binding.address !== null) return bindTo(isIPv6(binding.address) ? 'udp6' : 'udp4', binding);
  try {
    return await bindTo('udp6', binding);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') throw cause;
    return bindTo('udp4', binding);
  }
}

async function bindTo(type: 'udp4' | 'udp6', { address, port, sharesPort }: Binding): Promise<Socket> {
  const socket = createSocket({
    type,
    ipv6Only: type === 'udp6' && address !== null,
    reusePort: sharesPort,
    recvBufferSize: SOCKET_BUFFER,
    sendBufferSize: SOCKET_BUFFER,
    // Answers go to addresses, never to names: there is nothing to look up or to wait for.
    lookup: (host, _options, done) => done(null, host, type === 'udp6' ? 6 : 4),
  });
  try {
    const listening = once(socket, 'listening');
    socket.bind({ port, ...(address !== null && { address }) });
    await listening;
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

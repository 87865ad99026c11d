import type { SocketAddress } from '../../kernel/socket-address.ts';
import type { Network } from '../../lib/networks.ts';
import { sourceOf } from '../../lib/source-of.ts';
import { throttle } from '../../lib/throttle.ts';
import type { Lines } from '../../log/lines.ts';
import type { Log } from '../../log/log.ts';
import { type Counters, sumCounts } from '../counters.ts';
import type { Crowd } from '../crowd.ts';
import { createDialOrder } from '../dial-order.ts';
import { endpoint } from '../endpoint.ts';
import { type Gate, SHUT } from '../gate.ts';
import { listenAt } from '../listen-at.ts';
import { logRefusal } from '../log-refusal.ts';
import { type Place, type Relay, SAID_EVERY } from '../relay.ts';
import type { Slots } from '../slots.ts';
import { createSourceGate } from '../source-gate.ts';
import { DialError, type Target } from '../target.ts';
import { Session, type SessionEnding } from './session.ts';
import { Sessions } from './sessions.ts';
import { SOCKET_BUFFER, type UdpSocket, type UdpSockets } from './sockets.ts';

interface Options {
  readonly sockets: UdpSockets;
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
  /** Sessions at a time; one more replaces another (see Sessions). */
  readonly slots: Slots;
  /** Told when all slots are held by those who share the port: the datagram that would open a session is lost. */
  readonly onCrowded: () => void;
  /** Told when there are datagrams from clients. */
  readonly onTraffic: () => void;
  /** Of this thread: the sessions whose datagrams wait for the name. */
  readonly waiting: Crowd;
  readonly counters: Counters;
  /** Told why the target does not answer, or null when it does; where no answers are expected, how sessions ended. */
  readonly onDial: (failure: string | null) => void;
  /** Whether the target answers. If not, all clients share one session, which asks for the name anew every `sessionTimeout`. */
  readonly answers: boolean;
  /** For how long a client that goes on sending may be unanswered before its session looks for another address, in ms. */
  readonly patience: number;
  /** For the name lookup that opens a session, in ms. */
  readonly connectTimeout: number;
  /** A session without a datagram either way for so long ends, in ms. */
  readonly sessionTimeout: number;
  readonly log: Log<'port'>;
  /** At which level the end of each session is logged; null for not at all. */
  readonly endLevel: 'info' | 'debug' | null;
}

/**
 * While more datagrams wait than can be received together, so many of these may replace sessions; a flood of new clients is then dropped sooner than datagrams
 * of known ones.
 */
const REPLACED_PER_BATCH = 16;
/** How often a drain looks for sessions that are settled, in ms. */
const SWEEP_INTERVAL = 100;

/** Listens on a port. Rejects with a ListenError when it cannot. */
export async function listenUdp(options: Options): Promise<Relay> {
  const { sockets, target, gate, slots, answers, counters, log, endLevel, onTraffic } = options;
  const batch = sockets.received;
  /** By listening socket and client, or all under one key where no answers are expected. */
  const sessions = new Sessions();
  const order = createDialOrder();
  const drained = Promise.withResolvers<void>();
  const sayFull = throttle(SAID_EVERY, () =>
    log.warn(
      { live: slots.held },
      'all slots are taken: new clients replace those that were never answered, or have been idle longest',
    ),
  );
  /** How many more sessions may be replaced for the datagrams in the batch. */
  let mayReplace = 0;
  let isDraining = false;
  let lastFailure: string | null = null;

  const isWelcome =
    options.allowFrom && createSourceGate(options.allowFrom, { ...options, logInterval: SAID_EVERY });

  const { listeners, port, failed } = await listenAt({
    protocol: 'udp',
    port: options.port,
    addresses: options.bind,
    open: (place) => bind(sockets, place, options),
  });
  const closed = drained.promise.then(() => {
    for (const socket of listeners) socket.close();
  });
  for (const [index, socket] of listeners.entries()) {
    socket.on('lost', (count) => counters.lost(count));
    socket.on('datagrams', () => {
      onTraffic();
      mayReplace = batch.isFull ? REPLACED_PER_BATCH : batch.count;
      for (let start = 0, end = 0; start < batch.count; start = end) {
        const flow = batch.flow(start);
        const key = answers ? `${index} ${flow}` : 'everyone';
        const known = sessions.get(key);
        // Who has a session of its own has been let in.
        const isLetIn = known !== null && (answers || isWelcome === null);
        end = isLetIn ? endOfRun(start) : start + 1;
        if (!isLetIn && !mayPass(batch.addressOf(flow))) continue;
        if (known !== null) sessions.clientSent(known);
        const session = known === null ? open(key, { socket, flow }) : known.session;
        session?.send(start, end);
      }
    });
  }

  /** Of datagrams that go the same way. */
  function endOfRun(start: number): number {
    if (!answers) return batch.count;
    let end = start + 1;
    while (end < batch.count && batch.isOfSameFlow(start, end)) end++;
    return end;
  }

  function mayPass(client: SocketAddress): boolean {
    if (answers && client.port === 0) return false; // nobody can be answered there (RFC 768)
    return isWelcome === null || isWelcome(client.address, client.port);
  }

  function open(
    key: string,
    { socket, flow }: { readonly socket: UdpSocket; readonly flow: string },
  ): Session | null {
    if (isDraining) return null;
    const client = batch.addressOf(flow);
    if (gate.isShut) {
      counters.refused(SHUT.rule);
      logRefusal(log, endpoint(client.address, client.port), SHUT);
      return null;
    }
    if (!slots.tryTake()) {
      sayFull();
      if (mayReplace === 0) {
        counters.lost(1);
        return null;
      }
      mayReplace--;
      // Its slot is handed over: were it released, another thread could take it.
      if (!sessions.replace()) {
        options.onCrowded();
        return null;
      }
    }
    counters.opened();
    const source = sourceOf(client.address);
    const about = ({ address }: Session) => ({
      client: answers ? endpoint(client.address, client.port) : key,
      target: endpoint(target.host, target.port),
      address,
    });
    const session: Session = new Session({
      sockets,
      target,
      order,
      connectTimeout: options.connectTimeout,
      timeout: options.sessionTimeout,
      counters,
      source,
      waiting: options.waiting,
      onAnswers: answers
        ? () => {
            sessions.targetSent(seat);
            socket.send(0, batch.count, flow);
            tellFailure(null);
          }
        : null,
      patience: options.patience,
      onSilence: ({ message }) => tellFailure(message),
      onMove: (err) =>
        log.warn({ ...about(session), err }, 'no answer: the session goes on with another address'),
      onEnd: (ending) => {
        sessions.delete(seat);
        if (ending !== 'replaced') slots.release();
        report(session, about(session), ending);
      },
    });
    const seat = sessions.add(key, source, session);
    return session;
  }

  function endAll(): void {
    for (const session of sessions.toArray()) session.end('cut off');
  }

  function report(
    session: Session,
    fields: Pick<Lines['session ended'], 'client' | 'target' | 'address'>,
    ending: SessionEnding,
  ): void {
    const { sent, received, startedAt } = session;
    const ms = Math.round(performance.now() - startedAt);
    const all = { ...fields, sent, received, ms };
    if (ending instanceof Error) {
      counters.refused(ending instanceof DialError ? ending.reason : 'target unreachable');
      tellFailure(ending.message);
      return log.warn({ ...all, err: ending }, 'session failed');
    }
    if (!answers) tellFailure(null);
    if (endLevel !== null) log[endLevel]({ ...all, ending }, 'session ended');
  }

  /** Why the target does not answer, or null as it does. */
  function tellFailure(failure: string | null): void {
    if (failure === lastFailure) return;
    lastFailure = failure;
    options.onDial(failure);
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
    makeRoom() {
      const hasRoom = sessions.replace();
      if (hasRoom) slots.release();
      return hasRoom;
    },
    async clear(how) {
      if (how === 'cut') endAll();
    },
    async drain(signal) {
      isDraining = true;
      const sweep = () => {
        for (const session of sessions.toArray()) if (session.isSettled) session.end('finished');
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

/** Binds to one address, or to all: IPv6's socket takes IPv4 too, where the host has IPv6. */
async function bind(
  sockets: UdpSockets,
  { address, port }: Place,
  { sharesPort }: Pick<Options, 'sharesPort'>,
): Promise<UdpSocket> {
  const how = { port, sharesPort, bufferSize: SOCKET_BUFFER };
  if (address !== null) return sockets.bind({ ...how, address, ipv6Only: true });
  try {
    return await sockets.bind({ ...how, address: '::', ipv6Only: false });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') throw cause;
    return sockets.bind({ ...how, address: '0.0.0.0', ipv6Only: false });
  }
}

import { openKernel } from '../../kernel/kernel.ts';
import { Roster } from '../../lib/roster.ts';
import { sourceOf } from '../../lib/source-of.ts';
import { throttle } from '../../lib/throttle.ts';
import { IN_BLACKOUT } from '../blackout-flag.ts';
import { type Counters, type Counts, sumCounts } from '../counters.ts';
import { DialOrder } from '../dial-order.ts';
import { type Listener, type Listening, listenAt, type PortOptions } from '../listen-at.ts';
import { logRefusal, type Reason } from '../log-refusal.ts';
import { nameClient } from '../name-client.ts';
import { SAID_EVERY, type ThreadRelay } from '../relay.ts';
import type { Slots } from '../slots.ts';
import { createSourceFilter } from '../source-filter.ts';
import type { Target } from '../target.ts';
import { connectStream, createConnectBare } from './connect.ts';
import { Connection, type Shared, TOO_MANY_WAIT } from './connection.ts';
import { IdleClients } from './idle-clients.ts';
import { openListener } from './open-listener.ts';
import type { TcpSocket } from './tcp-socket.ts';

/** Serves one client, from accept to both ends closed. Rejects when it cannot; the client is then reset. */
export type Serve = (connection: Connection) => Promise<void>;

interface Options extends PortOptions, Omit<Shared, 'order' | 'connect' | 'onFull' | 'idleClients'> {
  readonly serve: Serve;
  /** Whether sockets stay bare until somebody needs a stream, where this Node can do that. */
  readonly bare: boolean;
}

/** Listens on a port. Rejects with a ListenError when it cannot. */
export async function listenTcp(options: Options): Promise<ThreadRelay> {
  const { descriptors, sharesPort, log } = options;
  const sayStreams = (err: unknown) =>
    log.warn({ err }, 'C cannot be called: sockets are streams, which are slower');
  const kernel = options.bare ? openKernel(sayStreams) : null;
  const clients = new Clients(options, kernel === null ? connectStream : createConnectBare(kernel));
  const listenerOptions = {
    kernel,
    mayAccept: () => descriptors.areLeft(),
    accept: (client: TcpSocket) => clients.accept(client),
    onShort: throttle(SAID_EVERY, (err: Error | null) =>
      log.warn(
        { err: err ?? `too few of ${descriptors.limit} file descriptors are left` },
        'no more clients can be accepted for now: they wait',
      ),
    ),
    sharesPort,
  };
  const listening = await listenAt({
    protocol: 'tcp',
    port: options.port,
    addresses: options.bind,
    open: (at) => openListener(at, listenerOptions),
  });
  return new TcpRelay(options, clients, listening);
}

/** A port that is listened on. */
class TcpRelay implements ThreadRelay {
  readonly protocol = 'tcp';
  readonly #options: Options;
  readonly #clients: Clients;
  readonly #listening: Listening<Listener>;

  constructor(options: Options, clients: Clients, listening: Listening<Listener>) {
    this.#options = options;
    this.#clients = clients;
    this.#listening = listening;
  }

  get port(): number {
    return this.#listening.port;
  }

  get failed(): Promise<never> {
    return this.#listening.failed;
  }

  get live(): number {
    return this.#options.slots.held;
  }

  get limit(): number {
    return this.#options.slots.size;
  }

  get waiting(): number {
    return this.#options.slots.waiting;
  }

  get slots(): Slots {
    return this.#options.slots;
  }

  get counters(): Counters {
    return this.#options.counters;
  }

  get lastFailure(): string | null {
    return this.#clients.lastFailure;
  }

  counts(): Counts {
    return sumCounts([this.#options.counters.cells]);
  }

  makeRoom(): boolean {
    return false;
  }

  async clear(how: 'cut' | 'drain'): Promise<void> {
    this.#clients.clear(how);
  }

  keepOnly(isAllowed: (target: Target) => boolean): void {
    this.#clients.keepOnly(isAllowed);
  }

  async drain(signal: AbortSignal): Promise<void> {
    for (const listener of this.#listening.listeners) listener.close();
    await this.#clients.drain(signal);
  }
}

/** The clients of one port. */
class Clients {
  /** Why the target could not be reached when it was last dialled; null when it could. */
  lastFailure: string | null = null;

  readonly #options: Options;
  readonly #shared: Shared;
  readonly #connections = new Roster<Connection>();
  readonly #isWelcome: ReturnType<typeof createSourceFilter> | null;
  readonly #drained = Promise.withResolvers<void>();
  #isDraining = false;

  constructor(options: Options, connect: Shared['connect']) {
    const { allowFrom, slots, log } = options;
    this.#options = options;
    this.#isWelcome = allowFrom && createSourceFilter(allowFrom, { ...options, logInterval: 0 });
    this.#shared = {
      ...options,
      order: new DialOrder(),
      idleClients: new IdleClients(slots, () => this.#connections.toArray()),
      connect,
      onDial: (failure) => this.#noteDial(failure),
      onFull: throttle(SAID_EVERY, () =>
        log.warn({ live: slots.held, waiting: slots.waiting + 1 }, 'all slots are taken: clients wait'),
      ),
    };
  }

  /** Serves a client, or refuses it. */
  accept(client: TcpSocket): void {
    if (this.#options.blackoutFlag.isOn) return this.#turnAway(client, IN_BLACKOUT);
    if (this.#isWelcome !== null && !this.#isWelcome(client.remoteAddress, client.remotePort))
      return client.reset();
    if (this.#isOneTooMany(client)) return this.#turnAway(client, TOO_MANY_WAIT);
    const connection = new Connection(client, this.#shared);
    this.#connections.add(connection);
    void this.#attend(connection);
  }

  async #attend(connection: Connection): Promise<void> {
    try {
      await this.#options.serve(connection);
    } catch (err) {
      if (!connection.hasLeft) connection.reportFailure(err);
      connection.cut();
    } finally {
      connection.release();
      this.#connections.delete(connection);
      if (this.#isDraining && this.#connections.size === 0) this.#drained.resolve();
    }
  }

  /** Whether a client would be sent away as soon as it came to wait: then nothing else is done for it. */
  #isOneTooMany({ remoteAddress = '' }: TcpSocket): boolean {
    const { slots, waiting, probeSource } = this.#options;
    if (slots.waiting === 0) return false;
    const source = sourceOf(remoteAddress);
    return source !== probeSource && waiting.isShutTo(source);
  }

  #turnAway(client: TcpSocket, refusal: Reason): void {
    const { counters, log, probeSource } = this.#options;
    counters.refused(refusal.rule);
    logRefusal(log, nameClient(client, probeSource), refusal);
    client.reset();
  }

  #noteDial(failure: string | null): void {
    if (failure !== this.lastFailure) this.#options.onDial(failure);
    this.lastFailure = failure;
  }

  /** See Relay. */
  clear(how: 'cut' | 'drain'): void {
    for (const connection of this.#connections.toArray()) connection[how]();
  }

  /** See ThreadRelay. */
  keepOnly(isAllowed: (target: Target) => boolean): void {
    for (const connection of this.#connections.toArray()) connection.endUnless(isAllowed);
  }

  /** Resolves when all have ended, which the signal enforces. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    this.clear('drain');
    if (signal.aborted) this.clear('cut');
    else signal.addEventListener('abort', () => this.clear('cut'));
    if (this.#connections.size > 0) await this.#drained.promise;
  }
}

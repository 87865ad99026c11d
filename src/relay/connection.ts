import { Socket } from 'node:net';

import type { BareSocket } from '../kernel/bare-socket.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../message-of.ts';
import type { Connect } from './connect.ts';
import type { Counters } from './counters.ts';
import type { Descriptors } from './descriptors.ts';
import type { DialOrder } from './dial-order.ts';
import { dialTcp } from './dial-tcp.ts';
import { endpoint } from './endpoint.ts';
import { endsOf } from './ends.ts';
import type { IdleClients } from './idle-clients.ts';
import { introduce } from './introduce.ts';
import { Meter } from './meter.ts';
import { reset } from './reset.ts';
import type { Slots } from './slots.ts';
import { type Ending, type Observer, Splice } from './splice.ts';
import type { Target } from './target.ts';
import { bareOf, streamOf, type TcpSocket } from './tcp-socket.ts';
import { Upstream } from './upstream.ts';

/** What the connections of one port have in common. */
export interface Shared {
  /** Connections at a time; who comes later waits, undialled. */
  readonly slots: Slots;
  /** Those that give their slots to clients that wait. */
  readonly idleClients: IdleClients;
  /** Those of the process. */
  readonly descriptors: Descriptors;
  readonly order: DialOrder;
  readonly connect: Connect<TcpSocket>;
  /** For a dial, name lookup included, in ms. */
  readonly connectTimeout: number;
  /** A connection without a byte either way for so long is reset, in ms; 0 for never. */
  readonly idleTimeout: number;
  /** Clients from this address are healthcheck probes: they take no slot. */
  readonly probeSource: string;
  /** The PROXY header that a target is sent first. */
  readonly proxyProtocol: 'off' | 'v1' | 'v2';
  readonly counters: Counters;
  readonly log: Log;
  /** At which level the end of each connection is logged; null for not at all. */
  readonly endLevel: 'info' | 'debug' | null;
  /** Told of dials: why one failed, or null. */
  readonly onDial: (failure: string | null) => void;
  /** Told that a client has to wait for a slot. */
  readonly onFull: () => void;
}

/**
 * Who has the sockets of a connection. Its methods, not closures: those were seen to outlive scavenges together with all that they had
 * captured (2.5 KB for each connection).
 */
export interface Holder {
  /** Resets them. */
  cut: () => void;
  /** Ends what is idle, and the rest as soon as it is. */
  drain?: () => void;
  /** Ends the client, which is idle, for one that waits. */
  yield?: () => void;
}

/** A client whose target takes so long to reach is watched meanwhile, in ms. */
const WATCH_AFTER = 250;
/** Made once, as each error that is made records a stack. */
const GONE = new Error('the client is gone');
const ignore = () => {};

/** One TCP client, from accept to both ends closed. */
export class Connection {
  readonly shared: Shared;
  /** Among all of its port. */
  place = -1;
  /** Whether the client is gone, as far as it is watched. */
  hasLeft = false;
  /** See `IdleClients`. */
  idleSince = Infinity;
  /** Whoever has its sockets; it also watches the client. */
  holder: Holder | null = null;
  /** The client's socket. */
  readonly accepted: TcpSocket;

  readonly #acceptedAt = performance.now();
  readonly #isProbe: boolean;
  #gone: AbortController | null = null;
  #dialling: AbortController | null = null;
  /** Whether it had said something before it was a stream, which a stream does not count. */
  #hasSpoken = false;
  #isPromised = true;
  #isAdmitted = false;
  #isYielding = false;
  #target: Target | null = null;
  #upstream: Upstream | null = null;

  constructor(client: TcpSocket, shared: Shared) {
    this.accepted = client;
    this.shared = shared;
    this.#isProbe = client.remoteAddress?.endsWith(shared.probeSource) === true;
    if (client instanceof Socket) this.#notice(client);
    shared.counters.opened();
    shared.descriptors.promise();
  }

  /** The client as a stream, which it is from now on. */
  get client(): Socket {
    const { bare } = this;
    if (bare === null) return streamOf(this.accepted);
    if (bare.unread.length > 0) this.#hasSpoken = true;
    const client = bare.stream;
    this.#notice(client);
    return client;
  }

  /** The client as a bare socket; null once somebody has asked for the stream. */
  get bare(): BareSocket | null {
    return bareOf(this.accepted);
  }

  #notice(client: Socket): void {
    client.on('error', ignore); // 'close' follows
    client.once('close', () => {
      // One that was bare again meanwhile has another stream by now, if any.
      if (this.bare === null && streamOf(this.accepted) === client) this.left();
    });
  }

  /** The client's address and port. */
  get from(): string {
    return endpoint(this.accepted.remoteAddress, this.accepted.remotePort);
  }

  /** Aborts when the client is gone. */
  get gone(): AbortSignal {
    this.#gone ??= new AbortController();
    if (this.hasLeft) this.#gone.abort(GONE);
    return this.#gone.signal;
  }

  /**
   * Waits for a slot, which is held to the end. A client that closes while it waits, without having sent a byte, has left: there is nothing
   * to relay. Rejects when it has left.
   */
  async admit(): Promise<void> {
    if (this.#isAdmitted) return;
    if (!this.#isProbe && !this.shared.slots.tryTake()) await this.#wait();
    this.#isAdmitted = true;
  }

  async #wait(): Promise<void> {
    this.shared.onFull();
    if (this.holder !== null) return this.shared.slots.take(this.gone);
    const leave = () => {
      if (!this.#hasSpoken && this.client.bytesRead === 0) reset(this.client);
    };
    this.client.once('end', leave);
    this.#watch();
    try {
      await this.shared.slots.take(this.gone);
    } finally {
      this.client.off('end', leave);
    }
  }

  /** Reads ahead, at most one buffer (64 KiB): only who is read is noticed when it leaves. */
  #watch(): void {
    if (this.holder === null) this.client.read(0);
  }

  /** Connects to the target; the socket ends with this connection. Rejects with a DialError. */
  async dial(target: Target): Promise<Upstream> {
    const { order, connect, connectTimeout, proxyProtocol, counters, onDial } = this.shared;
    const startedAt = performance.now();
    this.#target = target;
    this.#upstream = null;
    this.#dialling = new AbortController();
    if (this.hasLeft) this.#dialling.abort(GONE);
    const watching = setTimeout(() => this.#watch(), WATCH_AFTER);
    try {
      const { socket, address } = await dialTcp(target, {
        order,
        connect,
        timeout: connectTimeout,
        over: this.#dialling,
      });
      counters.connected(performance.now() - startedAt);
      this.#keepPromise();
      this.#upstream = new Upstream(socket, {
        target,
        address: address.address,
        meter: new Meter(counters, introduce(this.accepted, socket, { proxyProtocol, isOwn: this.#isProbe })),
      });
      onDial(null);
      return this.#upstream;
    } catch (cause) {
      if (!this.hasLeft) {
        counters.refused('target unreachable');
        onDial(messageOf(cause));
      }
      throw cause;
    } finally {
      this.#dialling = null;
      clearTimeout(watching);
    }
  }

  /** Moves bytes both ways until both ends are closed; `observer` is shown them. */
  async splice(upstream: Upstream, observer: Observer | null = null): Promise<void> {
    const { meter } = upstream;
    const { idleTimeout } = this.shared;
    if (upstream.bare === null) meter.catchUp(upstream.socket, { unread: upstream.socket.readableLength });
    const [client, target] = endsOf(this.accepted, upstream.connected);
    const splice = new Splice(client, target, { idleTimeout, meter, observer });
    this.holder = splice;
    const ending = await splice.ended;
    this.left();
    this.report(upstream, ending);
  }

  /** Logs and counts what became of a connection to a target. */
  report(upstream: Upstream, ending: Ending): void {
    const { counters, log, endLevel } = this.shared;
    const { sent, received } = upstream.meter;
    if (sent > 0 && received === 0) counters.unanswered();
    if (endLevel !== null)
      log[endLevel]({ ...this.#describe(upstream.target, upstream), ending }, 'connection ended');
  }

  /** Logs why the client is not served, or no further. */
  reportFailure(err: unknown): void {
    const upstream = this.#upstream;
    if (upstream?.bare === null) upstream.meter.catchUp(upstream.socket);
    this.shared.log.warn({ ...this.#describe(this.#target, upstream), err }, 'connection refused');
  }

  #describe(target: Target | null, upstream: Upstream | null) {
    return {
      client: this.from,
      target: target && endpoint(target.host, target.port),
      address: upstream?.address ?? null,
      sent: upstream?.meter.sent ?? 0,
      received: upstream?.meter.received ?? 0,
      ms: Math.round(performance.now() - this.#acceptedAt),
    };
  }

  /** Has what is idle end, and resets a client that is not served yet. */
  drain(): void {
    if (this.#isAdmitted) this.holder?.drain?.();
    else this.cut();
  }

  /** Resets the client. */
  reset(): void {
    reset(this.accepted);
    this.left();
  }

  /** To be called when the client is gone. */
  left(): void {
    this.hasLeft = true;
    this.#gone?.abort(GONE);
    this.#dialling?.abort(GONE);
  }

  /** Resets both ends. */
  cut(): void {
    if (this.holder !== null) return this.holder.cut();
    this.reset();
    this.#upstream?.reset();
  }

  get holdsSlot(): boolean {
    return this.#isAdmitted && !this.#isProbe;
  }

  /** To be called when the client comes to use its slot, or does not any more. */
  setIdle(isIdle: boolean): void {
    if (isIdle === this.idleSince < Infinity) return;
    this.idleSince = isIdle && this.holdsSlot ? performance.now() : Infinity;
    if (this.idleSince < Infinity) this.shared.idleClients.watch();
  }

  /** Ends the client for another one, as `Slots.tryBeginYield` has announced. */
  yieldSlot(): void {
    this.#isYielding = true;
    this.holder?.yield?.();
  }

  #keepPromise(): void {
    if (this.#isPromised) this.shared.descriptors.keep();
    this.#isPromised = false;
  }

  /** Gives back what it holds, once it has ended. */
  release(): void {
    this.#keepPromise();
    if (this.holdsSlot) this.shared.slots.release({ isYielded: this.#isYielding });
    this.#isAdmitted = false;
  }
}

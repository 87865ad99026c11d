import type { Socket } from 'node:net';

import type { Log } from '../log.ts';
import { messageOf } from '../message-of.ts';
import { proxyHeader } from '../wire/proxy-header.ts';
import type { Counters } from './counters.ts';
import type { DialOrder } from './dial-order.ts';
import { dialTcp } from './dial-tcp.ts';
import { endpoint } from './endpoint.ts';
import { Meter } from './meter.ts';
import type { Pump } from './pump.ts';
import { reset } from './reset.ts';
import type { Slots } from './slots.ts';
import { type Ending, splice } from './splice.ts';
import type { Target } from './target.ts';

/** What the connections of one port have in common. */
export interface Shared {
  /** Connections at a time; who comes later waits, undialled. */
  readonly slots: Slots;
  readonly order: DialOrder;
  /** For a dial, name lookup included, in ms. */
  readonly connectTimeout: number;
  /** A connection without a byte either way for so long is reset, in ms; 0 for never. */
  readonly idleTimeout: number;
  /** Clients from this address are healthcheck probes: they take no slot. */
  readonly probeSource: string;
  /** The PROXY header that a target is sent first. */
  readonly proxyProtocol: 'off' | 'v1' | 'v2';
  readonly pump: Pump;
  readonly counters: Counters;
  readonly log: Log;
  /** Whether each connection is logged as info, not debug. */
  readonly verbose: boolean;
  /** Told of dials: why one failed, or null. */
  readonly onDial: (failure: string | null) => void;
  /** Told that a client has to wait for a slot. */
  readonly onFull: () => void;
}

/** A connection to a target. */
export interface Upstream {
  readonly socket: Socket;
  readonly target: Target;
  /** The address and port that it has reached. */
  readonly address: string;
  readonly meter: Meter;
}

/** A client whose target takes so long to reach is watched meanwhile, in ms. */
const WATCH_AFTER = 250;
/** Made once, as each error that is made records a stack. */
const GONE = new Error('the client is gone');
const ignore = () => {};

/** One TCP client, from accept to both ends closed. */
export class Connection {
  readonly client: Socket;
  /** The client's address and port. */
  readonly from: string;
  readonly shared: Shared;
  /** Aborts when the client is gone. */
  readonly gone: AbortSignal;
  /** Called when a drain begins, once the connection has a slot: what is idle ends. */
  onDrain: () => void = () => {};

  readonly #acceptedAt = performance.now();
  readonly #isProbe: boolean;
  #isAdmitted = false;
  #target: Target | null = null;
  #upstream: Upstream | null = null;

  constructor(client: Socket, shared: Shared) {
    this.client = client;
    this.shared = shared;
    this.from = endpoint(client.remoteAddress, client.remotePort);
    this.#isProbe = client.remoteAddress?.endsWith(shared.probeSource) === true;
    const gone = new AbortController();
    this.gone = gone.signal;
    client.on('error', ignore); // 'close' follows
    client.once('close', () => gone.abort(GONE));
    shared.counters.opened();
  }

  /**
   * Waits for a slot, which is held to the end. A client that closes while it waits, without having sent a byte, has left: there is nothing
   * to relay. Rejects when it has left.
   */
  async admit(): Promise<void> {
    if (this.#isAdmitted) return;
    const { slots } = this.shared;
    if (!this.#isProbe && !slots.tryTake()) {
      this.shared.onFull();
      const leave = () => {
        if (this.client.bytesRead === 0) reset(this.client);
      };
      this.client.once('end', leave);
      this.#watch();
      try {
        await slots.take(this.gone);
      } finally {
        this.client.off('end', leave);
      }
    }
    this.#isAdmitted = true;
  }

  /** Reads ahead, at most one buffer (64 KiB): only who is read is noticed when it leaves. */
  #watch(): void {
    this.client.read(0);
  }

  /** Connects to the target; the socket ends with this connection. Rejects with a DialError. */
  async dial(target: Target): Promise<Upstream> {
    const { order, connectTimeout, counters, onDial } = this.shared;
    const startedAt = performance.now();
    this.#target = target;
    this.#upstream = null;
    const watching = setTimeout(() => this.#watch(), WATCH_AFTER);
    try {
      const { socket, address } = await dialTcp(target, {
        order,
        timeout: connectTimeout,
        signal: this.gone,
      });
      socket.on('error', ignore); // 'close' follows
      counters.connected(performance.now() - startedAt);
      this.#upstream = {
        socket,
        target,
        address: endpoint(address.address, target.port),
        meter: new Meter(counters, this.#introduce(socket)),
      };
      onDial(null);
      return this.#upstream;
    } catch (cause) {
      if (!this.gone.aborted) {
        counters.refused('target unreachable');
        onDial(messageOf(cause));
      }
      throw cause;
    } finally {
      clearTimeout(watching);
    }
  }

  /** Tells a target whose connection it is, where it is to know; in how many bytes. */
  #introduce(socket: Socket): number {
    const { client, shared } = this;
    if (shared.proxyProtocol === 'off') return 0;
    const header = proxyHeader(shared.proxyProtocol, {
      source: end(client.remoteAddress, client.remotePort),
      destination: end(client.localAddress, client.localPort),
      isOwn: this.#isProbe,
    });
    // What is there to be sent already, as a hello that has been read, goes out in the same segment.
    socket.cork();
    socket.write(header);
    setImmediate(() => socket.uncork());
    return header.length;
  }

  /** Moves bytes both ways until both ends are closed. */
  async splice(upstream: Upstream): Promise<void> {
    const { socket, meter } = upstream;
    const { idleTimeout, pump } = this.shared;
    meter.catchUp(socket, { unread: socket.readableLength });
    const ending = await splice(this.client, socket, { idleTimeout, pump, meter });
    meter.addReceived(socket.bytesRead - meter.received); // what came when nobody took it any more
    this.report(upstream, ending);
  }

  /** Logs and counts what became of a connection to a target. */
  report(upstream: Upstream, ending: Ending): void {
    const { counters, log, verbose } = this.shared;
    const { sent, received } = upstream.meter;
    if (sent > 0 && received === 0) counters.unanswered();
    log[verbose ? 'info' : 'debug'](
      { ...this.#describe(upstream.target, upstream), ending },
      'connection ended',
    );
  }

  /** Logs why the client is not served, or no further. */
  reportFailure(err: unknown): void {
    const upstream = this.#upstream;
    upstream?.meter.catchUp(upstream.socket);
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
    if (this.#isAdmitted) this.onDrain();
    else reset(this.client);
  }

  /** Resets both ends. */
  cut(): void {
    reset(this.client);
    if (this.#upstream) reset(this.#upstream.socket);
  }

  /** Gives the slot back. */
  release(): void {
    if (this.#isAdmitted && !this.#isProbe) this.shared.slots.release();
    this.#isAdmitted = false;
  }
}

/** Null for a socket that is gone. */
function end(address: string | undefined, port: number | undefined) {
  return address === undefined || port === undefined ? null : { address, port };
}

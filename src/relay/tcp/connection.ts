import { messageOf } from '../../lib/message-of.ts';
import type { ProxyProtocol } from '../../lib/proxy-protocol.ts';
import { sourceOf } from '../../lib/source-of.ts';
import type { PortLog } from '../../log/log.ts';
import { Refusal } from '../../wire/refusal.ts';
import type { Counters } from '../counters.ts';
import type { Crowd, Member } from '../crowd.ts';
import type { Descriptors } from '../descriptors.ts';
import type { DialOrder } from '../dial-order.ts';
import { endpoint } from '../endpoint.ts';
import { logRefusal, noLongerAllowed, type Reason } from '../log-refusal.ts';
import { Meter } from '../meter.ts';
import { nameClient } from '../name-client.ts';
import type { Slots } from '../slots.ts';
import { AnswerError, DialError, type Target } from '../target.ts';
import type { Connect } from './connect.ts';
import { dialTcp } from './dial.ts';
import type { IdleClients } from './idle-clients.ts';
import { introduce } from './introduce.ts';
import { type Ending, type Observer, Splice } from './splice.ts';
import type { TcpSocket } from './tcp-socket.ts';
import { Upstream } from './upstream.ts';

/** What the connections of one port have in common. */
export interface Shared {
  /** Connections at a time; who comes later waits, undialled. */
  readonly slots: Slots;
  /** Those that give their slots to clients that wait. */
  readonly idleClients: IdleClients;
  readonly descriptors: Descriptors;
  /** Who waits for a slot, on whichever port. */
  readonly waiting: Crowd;
  /** Who has not said whom it wants yet, on whichever port. */
  readonly nameless: Crowd;
  readonly order: DialOrder;
  readonly connect: Connect;
  /** For a dial, name lookup included, in ms. */
  readonly connectTimeout: number;
  /** A connection without a byte either way for so long is reset, in ms; 0 for never. */
  readonly idleTimeout: number;
  /** Clients from this address are healthcheck probes: they take no slot. */
  readonly probeSource: string;
  /** The PROXY header that a target is sent first. */
  readonly proxyProtocol: ProxyProtocol;
  readonly counters: Counters;
  readonly log: PortLog;
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
/** Made once each, as each error that is made records a stack. */
export const TOO_MANY_WAIT = new Refusal('too many clients', 'too many clients wait');
const TOO_MANY_NAMELESS = new Refusal('too many clients', 'too many clients have not named anybody');
const GONE = new Error('the client is gone');
const ignore = () => {};

/** One TCP client, from accept to both ends closed. */
export class Connection implements Member {
  readonly shared: Shared;
  /** Among all of its port. */
  index = -1;
  /** Whether the client is gone, as far as it is watched. */
  hasLeft = false;
  /** See `IdleClients`. */
  idleSince = Infinity;
  /** Whoever has its sockets; it also watches the client. */
  holder: Holder | null = null;
  /** Its socket; `holder` may have it. */
  readonly client: TcpSocket;
  readonly source: string;
  previous: Connection | null = null;
  next: Connection | null = null;
  held = 0;

  readonly #acceptedAt = performance.now();
  readonly #isProbe: boolean;
  #gone: AbortController | null = null;
  #dialling: AbortController | null = null;
  #isPromised = true;
  /** Which it is among, until it is served. */
  #crowd: Crowd | null = null;
  #isAdmitted = false;
  #isYielding = false;
  #target: Target | null = null;
  #upstream: Upstream | null = null;

  constructor(client: TcpSocket, shared: Shared) {
    this.client = client;
    this.shared = shared;
    this.source = sourceOf(client.remoteAddress ?? '');
    this.#isProbe = this.source === shared.probeSource;
    shared.counters.opened();
    shared.descriptors.promise();
  }

  /** What the log calls the client. */
  get from(): string {
    return nameClient(this.client, this.shared.probeSource);
  }

  /** A signal that aborts when the client is gone. */
  untilGone(): AbortSignal {
    this.#gone ??= new AbortController();
    if (this.hasLeft) this.#gone.abort(GONE);
    return this.#gone.signal;
  }

  /** To be called when the client has to say first whom it wants: it is one of many, who are bounded, until it is admitted. */
  awaitName(): void {
    if (!this.#isAdmitted && this.#crowd === null) this.#enter(this.shared.nameless);
  }

  /** To be called when so many bytes of a client are kept that is not admitted yet. */
  hold(bytes: number): void {
    this.#crowd?.hold(this, bytes);
  }

  /**
   * Waits for a slot, which is held to the end. A client that closes while it waits, without having sent a byte, has left: there is nothing
   * to relay. Rejects when it has left.
   */
  async admit(): Promise<void> {
    if (this.#isAdmitted) return;
    if (!this.#isProbe && !this.shared.slots.tryTake()) await this.#wait();
    this.#leaveCrowd();
    this.#isAdmitted = true;
  }

  async #wait(): Promise<void> {
    const { slots, waiting, onFull } = this.shared;
    const { held } = this;
    onFull();
    this.#enter(waiting);
    this.hold(held);
    const gone = this.untilGone();
    gone.throwIfAborted(); // it may have been one too many itself
    const unwatch = this.#watch({ byFin: true });
    try {
      await slots.take(this.source, gone);
    } finally {
      unwatch();
    }
  }

  #enter(crowd: Crowd): void {
    this.#leaveCrowd();
    this.#crowd = crowd;
    crowd.enter(this);
  }

  #leaveCrowd(): void {
    this.#crowd?.leave(this);
    this.#crowd = null;
  }

  onSentAway(): void {
    const refusal = this.#crowd === this.shared.waiting ? TOO_MANY_WAIT : TOO_MANY_NAMELESS;
    this.#crowd = null;
    this.reportRefusal(refusal);
    this.cut();
  }

  /** Until what it returns is called, for as long as nobody else has the client's socket. */
  #watch({ byFin }: { readonly byFin: boolean }): () => void {
    if (this.holder !== null) return ignore;
    return this.client.noticeLeaving({ byFin, onLeft: () => this.reset() });
  }

  /** Connects to the target; the socket ends with this connection. Rejects with a DialError. */
  async dial(target: Target): Promise<Upstream> {
    const { order, connect, connectTimeout, proxyProtocol, counters, descriptors, onDial } = this.shared;
    const startedAt = performance.now();
    const byName = target.tally();
    byName.opened();
    this.#target = target;
    this.#upstream = null;
    this.#dialling = new AbortController();
    if (this.hasLeft) this.#dialling.abort(GONE);
    let unwatch = ignore;
    const watching = setTimeout(() => {
      try {
        unwatch = this.#watch({ byFin: false });
      } catch {
        this.reset(); // it cannot be watched
      }
    }, WATCH_AFTER);
    try {
      const { socket, address } = await dialTcp(target, {
        order,
        connect,
        timeout: connectTimeout,
        mayHurry: () => descriptors.tryTake(),
        over: this.#dialling,
      });
      counters.connected(performance.now() - startedAt);
      this.#keepPromise();
      introduce(this.client, socket, { proxyProtocol, isOwn: this.#isProbe });
      this.#upstream = new Upstream(socket, {
        target,
        address: address.address,
        meter: new Meter(counters, byName),
      });
      onDial(null);
      return this.#upstream;
    } catch (cause) {
      if (!this.hasLeft) {
        counters.refused(cause instanceof DialError ? cause.reason : 'target unreachable');
        onDial(messageOf(cause));
      }
      throw cause;
    } finally {
      this.#dialling = null;
      clearTimeout(watching);
      unwatch();
    }
  }

  /** Moves bytes both ways until both ends are closed; `observer` is shown them. */
  async spliceWith(upstream: Upstream, observer: Observer | null = null): Promise<void> {
    const { meter } = upstream;
    const { idleTimeout } = this.shared;
    const splice = new Splice(this.client, upstream.socket, { idleTimeout, meter, observer });
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

  /** Logs and counts that the client is not let through, or not any more. */
  reportRefusal(reason: Reason): void {
    this.shared.counters.refused(reason.rule);
    logRefusal(this.shared.log, this.from, reason);
  }

  /** Logs why the client is not served, or no further. */
  reportFailure(err: unknown): void {
    const upstream = this.#upstream;
    this.shared.log.warn({ ...this.#describe(this.#target, upstream), err }, describeFailure(err));
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
    this.client.reset();
    this.left();
  }

  /** To be called when the client is gone. */
  left(): void {
    this.hasLeft = true;
    this.#gone?.abort(GONE);
    this.#dialling?.abort(GONE);
  }

  /** Ends it where its target may not be reached any more. */
  endUnless(isAllowed: (target: Target) => boolean): void {
    const target = this.#target;
    if (target === null || isAllowed(target)) return;
    this.reportRefusal(noLongerAllowed(target));
    this.cut();
  }

  /** Resets both ends. */
  cut(): void {
    if (this.holder !== null) return this.holder.cut();
    this.reset();
    this.#upstream?.socket.reset();
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
    this.#leaveCrowd();
    this.#keepPromise();
    if (this.holdsSlot) this.shared.slots.release({ isYielded: this.#isYielding });
    this.#isAdmitted = false;
  }
}

function describeFailure(cause: unknown) {
  if (cause instanceof DialError) return 'target unreachable';
  return cause instanceof AnswerError ? 'no answer from the target' : 'connection failed';
}

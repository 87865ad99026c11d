import type { Counters } from '../counters.ts';
import type { Crowd, Member } from '../crowd.ts';
import type { DialOrder } from '../dial-order.ts';
import { endpoint } from '../endpoint.ts';
import { IdleTimer } from '../idle-timer.ts';
import { Meter } from '../meter.ts';
import { AnswerError, type Dialled, type Target } from '../target.ts';
import { dialUdp, redialUdp } from './dial.ts';
import { Patience } from './patience.ts';
import type { Datagrams, UdpSocket, UdpSockets } from './sockets.ts';

/** How a session ended, or the error that ended it. */
export type SessionEnding = 'idle' | 'replaced' | 'cut off' | 'no longer in TARGET' | 'finished' | Error;

/** What the sessions of one port have in common. */
export interface Shared {
  readonly sockets: UdpSockets;
  readonly order: DialOrder;
  /** For the name lookup that opens a session, in ms. */
  readonly connectTimeout: number;
  /** A session without a datagram either way for so long ends, in ms. */
  readonly sessionTimeout: number;
  /** For how long a client that goes on sending may be unanswered before its session looks for another address, at least, in ms. */
  readonly patience: number;
  /**
   * Told that the target's address answers nobody: not this client, which went on sending or was never answered, and no other meanwhile; or that it cannot be
   * reached.
   */
  readonly onSilence: (why: AnswerError) => void;
  readonly counters: Counters;
  /** Those of the thread's sessions whose datagrams wait for the name. */
  readonly waiting: Crowd;
}

interface Options {
  readonly target: Target;
  /** The client's source address. */
  readonly source: string;
  /**
   * Told of the target's answers while they are in `sockets.received`; null where none is expected, and the session then ends `sessionTimeout` after it began,
   * however busy.
   */
  readonly onAnswers: (() => void) | null;
  /** Told that the session goes on with another address, as the one before is silent. */
  readonly onMove: (session: Session, why: AnswerError) => void;
  readonly onEnd: (session: Session, ending: SessionEnding) => void;
}

/** What may wait for the name lookup, in bytes: about a socket buffer. More is lost, as the kernel would have it. */
const MAX_PENDING = 256 * 1024;
/** What a waiting datagram takes beside its payload, in bytes. */
const DATAGRAM_OVERHEAD = 256;
/** Why its dial is given up; a reason of its own for each would cost as much as all else at its end. */
const ENDED = new Error('the session has ended');
/** A conversation that pauses for so long is over, as far as a drain can tell, in ms. */
const QUIET = 500;

/**
 * One UDP client's way to the target. Any error ends it, a refusal (ICMP) too: the client's next datagram then opens another, which
 * asks for the name anew. Where the client goes on sending unanswered, it goes on with another address, if the name has a better one. Until the first answer
 * the silent address is listened to as well, and while the name is looked up it is still sent to, so that a late answer is not lost.
 */
export class Session {
  readonly startedAt = performance.now();
  readonly meter: Meter;
  readonly target: Target;
  /** The target's address, once known. */
  address: string | null = null;

  readonly #shared: Shared;
  readonly #options: Options;
  readonly #ended = new AbortController();
  #pending: Buffer[] = [];
  readonly #member: Member;
  readonly #patience: Patience;
  #dialled: Dialled<UdpSocket> | null = null;
  /** The silent one before: its late answer is one. */
  #left: Dialled<UdpSocket> | null = null;
  #isMoving = false;
  /** Whether it is counted as that. */
  #isUnanswered = false;
  readonly #idle: IdleTimer;

  constructor(shared: Shared, options: Options) {
    this.#shared = shared;
    this.#options = options;
    this.target = options.target;
    const byName = options.target.tally();
    byName.opened();
    this.meter = new Meter(shared.counters, byName);
    this.#member = {
      source: options.source,
      held: 0,
      onSentAway: () => this.#lose(),
      previous: null,
      next: null,
    };
    this.#patience = new Patience(shared.patience);
    this.#idle = new IdleTimer(shared.sessionTimeout, () => this.end('idle'));
    void this.#open();
  }

  /** Sends on those of the datagrams received from `start` until `end`. */
  send(start: number, end: number): void {
    const { sockets } = this.#shared;
    const { onAnswers } = this.#options;
    if (onAnswers !== null) this.#idle.touch();
    if (this.#dialled === null) {
      for (let i = start; i < end; i++) this.#keep(i);
      return;
    }
    this.#dialled.socket.send(start, end);
    this.meter.addSent(sizeOf(sockets.received, start, end));
    if (onAnswers !== null) this.#ask(this.#dialled);
  }

  #ask(dialled: Dialled<UdpSocket>): void {
    const since = this.#patience.ask(this.#idle.lastActiveAt);
    if (since === null) return;
    const isNews = !this.#shared.order.hasFailed(dialled.address);
    const why = this.#noteSilence(dialled, since);
    if (why !== null) void this.#move(dialled, { why, isNews });
  }

  /** Returns null where the address has answered others since then: what this client has sent may want no answer. */
  #noteSilence({ address }: Dialled<UdpSocket>, since: number): AnswerError | null {
    const { order, onSilence } = this.#shared;
    this.#countUnanswered();
    if (order.hasAnsweredSince(address, since)) return null;
    order.failed(address);
    const why = new AnswerError(
      this.target,
      new Error(`${endpoint(address.address, this.target.port)} is silent`),
    );
    onSilence(why);
    return why;
  }

  #countUnanswered(): void {
    if (!this.#isUnanswered) this.#shared.counters.unanswered();
    this.#isUnanswered = true;
  }

  #keep(i: number): void {
    const { sockets, waiting, counters } = this.#shared;
    const size = this.#member.held + sockets.received.size(i) + DATAGRAM_OVERHEAD;
    if (size > MAX_PENDING) return counters.lost(1);
    if (this.#pending.push(sockets.received.copy(i)) === 1) waiting.enter(this.#member);
    if (this.#pending.length > 0) waiting.hold(this.#member, size);
  }

  /** What waits, which is waited for no longer. */
  #takePending(): readonly Buffer[] {
    const pending = this.#pending;
    if (pending.length > 0) this.#shared.waiting.leave(this.#member);
    this.#pending = [];
    return pending;
  }

  /** Loses what waits, as others must have room. */
  #lose(): void {
    this.#shared.counters.lost(this.#pending.length);
    this.#pending = [];
    this.#member.held = 0;
  }

  /** Whether nothing waits to be sent, no answer is owed, and nothing has been said for a moment. */
  get isQuiet(): boolean {
    if (this.#dialled === null) return false;
    if (this.#options.onAnswers === null) return true;
    return this.#patience.owedSince === null && performance.now() - this.#idle.lastActiveAt >= QUIET;
  }

  /** Does nothing when the session has ended already. */
  end(ending: SessionEnding): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(ENDED);
    this.#idle.stop();
    const unsent = this.#takePending().length;
    // What fails has a count of its own.
    if (!(ending instanceof Error)) {
      this.#shared.counters.lost(unsent);
      this.#judge(ending);
    }
    this.#dialled?.socket.close();
    this.#left?.socket.close();
    this.#options.onEnd(this, ending);
  }

  /** Who made room for others was not given the time for an answer. */
  #judge(ending: string): void {
    const { sent, received } = this.meter;
    if (this.#options.onAnswers === null || this.#dialled === null || sent === 0 || received > 0) return;
    if (ending === 'idle') this.#noteSilence(this.#dialled, this.#patience.owedSince ?? Infinity);
    else this.#countUnanswered();
  }

  async #open(): Promise<void> {
    const { sockets, order, connectTimeout: timeout } = this.#shared;
    const { signal } = this.#ended;
    try {
      const dialled = await dialUdp(this.target, { sockets, order, timeout, signal });
      if (signal.aborted) return dialled.socket.close();
      this.#use(dialled);
      const pending = this.#takePending();
      for (const datagram of pending) {
        dialled.socket.sendOne(datagram);
        this.meter.addSent(datagram.length);
      }
      if (this.#options.onAnswers !== null && pending.length > 0) this.#patience.ask(performance.now());
    } catch (cause) {
      this.end(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }

  /** Goes on with another address, if there is a better one, unless the silent one answers meanwhile. */
  async #move(
    silent: Dialled<UdpSocket>,
    { why, isNews }: { readonly why: AnswerError; readonly isNews: boolean },
  ): Promise<void> {
    const { sockets, order, connectTimeout: timeout } = this.#shared;
    const { signal } = this.#ended;
    if (this.#isMoving) return;
    this.#isMoving = true;
    const how = { sockets, order, timeout, signal, isNews };
    const next = await redialUdp(this.target, silent.address, how).catch(() => null); // it stays where it is
    this.#isMoving = false;
    if (next === null) return;
    const isLate = signal.aborted || this.#dialled !== silent || this.#patience.owedSince === null;
    if (isLate) return next.socket.close();
    this.#left?.socket.close();
    this.#left = silent;
    this.#use(next);
    this.#options.onMove(this, why);
  }

  #use(dialled: Dialled<UdpSocket>): void {
    const { order, counters, onSilence } = this.#shared;
    const { onAnswers } = this.#options;
    const { socket, address } = dialled;
    this.#dialled = dialled;
    this.address = endpoint(address.address, this.target.port);
    socket.on('lost', (count) => counters.lost(count));
    socket.on('error', (cause) => {
      const why = explain(cause, address.address, this.target);
      const isNews = !order.hasFailed(address);
      order.failed(address);
      if (this.#dialled !== dialled) return;
      if (this.meter.received === 0 || !mayPass(cause)) this.end(why);
      else if (this.#patience.owedSince !== null) {
        onSilence(why);
        void this.#move(dialled, { why, isNews });
      }
    });
    if (onAnswers !== null) socket.on('datagrams', () => this.#receive(dialled, onAnswers));
  }

  /** Of two addresses, the first to answer stays. */
  #stay(dialled: Dialled<UdpSocket>): void {
    const other = this.#dialled === dialled ? this.#left : this.#dialled;
    this.#dialled = dialled;
    this.address = endpoint(dialled.address.address, this.target.port);
    this.#left = null;
    other?.socket.close();
  }

  #receive(dialled: Dialled<UdpSocket>, onAnswers: () => void): void {
    const { sockets, order } = this.#shared;
    this.meter.addReceived(sizeOf(sockets.received, 0, sockets.received.count));
    this.#idle.touch();
    this.#patience.answer(this.#idle.lastActiveAt);
    order.answered(dialled.address, this.#idle.lastActiveAt);
    onAnswers();
    if (this.#left !== null) this.#stay(dialled);
  }
}

/** A route that is gone may come back: who has been answered keeps its way, unless there is a better address. */
function mayPass({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EHOSTUNREACH' || code === 'ENETUNREACH';
}

/** Why there is no answer, and what to look at. */
function explain(cause: NodeJS.ErrnoException, address: string, target: Target): AnswerError {
  const at = endpoint(address, target.port);
  let what = `${at}: ${cause.message}`;
  if (cause.code === 'ECONNREFUSED')
    what = `nothing listens on UDP at ${at} (${cause.code}): is the service up, and is this its port?`;
  if (mayPass(cause))
    what = `${at} cannot be reached (${cause.code}): is the host up, and is there a way to it?`;
  return new AnswerError(target, new Error(what, { cause }));
}

function sizeOf(datagrams: Datagrams, start: number, end: number): number {
  let size = 0;
  for (let i = start; i < end; i++) size += datagrams.size(i);
  return size;
}

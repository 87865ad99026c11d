import type { Counters } from './counters.ts';
import type { Crowd, Member } from './crowd.ts';
import type { DialOrder } from './dial-order.ts';
import type { Dialled } from './dial-tcp.ts';
import { dialUdp } from './dial-udp.ts';
import { endpoint } from './endpoint.ts';
import { IdleTimer } from './idle-timer.ts';
import type { Target } from './target.ts';
import type { Datagrams, UdpSocket, UdpSockets } from './udp-sockets.ts';

/** How a session ended, or the error that ended it. */
export type SessionEnding = 'idle' | 'replaced' | 'cut off' | 'finished' | Error;

interface Options {
  readonly sockets: UdpSockets;
  readonly target: Target;
  readonly order: DialOrder;
  /** For the name lookup, in ms. */
  readonly connectTimeout: number;
  /** Idle time that ends the session, in ms. */
  readonly timeout: number;
  /** Told of the target's answers while they are in `sockets.received`; null where none is expected, and the session then ends `timeout` after it began, however busy. */
  readonly onAnswers: (() => void) | null;
  readonly counters: Counters;
  /** The client's source address. */
  readonly source: string;
  /** Those of the thread's sessions whose datagrams wait for the name. */
  readonly waiting: Crowd;
  readonly onEnd: (ending: SessionEnding) => void;
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
 * asks for the name anew.
 */
export class Session {
  readonly startedAt = performance.now();
  /** Bytes to and from the target. */
  sent = 0;
  received = 0;
  /** The target's address, once known. */
  address: string | null = null;

  readonly #options: Options;
  readonly #ended = new AbortController();
  #pending: Buffer[] = [];
  readonly #member: Member;
  /** Whether the client spoke last. */
  #awaitsAnswer = false;
  #dialled: Dialled<UdpSocket> | null = null;
  readonly #idle: IdleTimer;

  constructor(options: Options) {
    this.#options = options;
    this.#member = {
      source: options.source,
      held: 0,
      onSentAway: () => this.#lose(),
      previous: null,
      next: null,
    };
    this.#idle = new IdleTimer(options.timeout, () => this.end('idle'));
    void this.#open();
  }

  /** Sends on those of the datagrams received from `start` until `end`. */
  send(start: number, end: number): void {
    const { sockets, onAnswers } = this.#options;
    this.#awaitsAnswer = true;
    if (onAnswers !== null) this.#idle.touch();
    if (this.#dialled === null) for (let i = start; i < end; i++) this.#keep(i);
    else {
      this.#dialled.socket.send(start, end);
      this.#countSent(sizeOf(sockets.received, start, end));
    }
  }

  #countSent(size: number): void {
    this.sent += size;
    this.#options.counters.sent(size);
  }

  #keep(i: number): void {
    const { sockets, waiting, counters } = this.#options;
    const size = this.#member.held + sockets.received.size(i) + DATAGRAM_OVERHEAD;
    if (size > MAX_PENDING) return counters.lost(1);
    if (this.#pending.push(sockets.received.copy(i)) === 1) waiting.enter(this.#member);
    if (this.#pending.length > 0) waiting.hold(this.#member, size);
  }

  /** What waits, which is waited for no longer. */
  #takePending(): readonly Buffer[] {
    const pending = this.#pending;
    if (pending.length > 0) this.#options.waiting.leave(this.#member);
    this.#pending = [];
    return pending;
  }

  /** Loses what waits, as others must have room. */
  #lose(): void {
    this.#options.counters.lost(this.#pending.length);
    this.#pending = [];
    this.#member.held = 0;
  }

  /** Whether nothing waits to be sent, no answer is owed, and nothing has been said for a moment. */
  get isSettled(): boolean {
    if (this.#dialled === null) return false;
    if (this.#options.onAnswers === null) return true;
    return !this.#awaitsAnswer && performance.now() - this.#idle.lastActiveAt >= QUIET;
  }

  /** Does nothing when the session has ended already. */
  end(ending: SessionEnding): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(ENDED);
    this.#idle.stop();
    const unsent = this.#takePending().length;
    // What fails has a count of its own.
    if (!(ending instanceof Error)) this.#options.counters.lost(unsent);
    this.#dialled?.socket.close();
    this.#options.onEnd(ending);
  }

  async #open(): Promise<void> {
    const { sockets, target, order, connectTimeout: timeout, counters, onAnswers } = this.#options;
    const { signal } = this.#ended;
    try {
      const dialled = await dialUdp(target, { sockets, order, timeout, signal });
      const { socket, address } = dialled;
      if (signal.aborted) return socket.close();
      this.#dialled = dialled;
      this.address = endpoint(address.address, target.port);
      socket.on('lost', (count) => counters.lost(count));
      socket.on('error', (cause) => {
        order.failed(address);
        this.end(cause);
      });
      if (onAnswers !== null) socket.on('datagrams', () => this.#receive(onAnswers));
      for (const datagram of this.#takePending()) {
        socket.sendOne(datagram);
        this.#countSent(datagram.length);
      }
    } catch (cause) {
      this.end(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }

  #receive(onAnswers: () => void): void {
    const { sockets, counters } = this.#options;
    const size = sizeOf(sockets.received, 0, sockets.received.count);
    this.received += size;
    counters.received(size);
    this.#awaitsAnswer = false;
    this.#idle.touch();
    onAnswers();
  }
}

function sizeOf(datagrams: Datagrams, start: number, end: number): number {
  let size = 0;
  for (let i = start; i < end; i++) size += datagrams.size(i);
  return size;
}

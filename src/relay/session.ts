import type { Socket } from 'node:dgram';
import { isIP } from 'node:net';

import type { Counters } from './counters.ts';
import type { DialOrder } from './dial-order.ts';
import { dialUdp } from './dial-udp.ts';
import { endpoint } from './endpoint.ts';
import { IdleTimer } from './idle-timer.ts';
import type { Target } from './target.ts';

/** How a session ended, or the error that ended it. */
export type SessionEnding = 'idle' | 'replaced' | 'cut off' | 'finished' | Error;

interface Options {
  readonly target: Target;
  readonly order: DialOrder;
  /** For the name lookup, in ms. */
  readonly connectTimeout: number;
  /** Idle time that ends the session, in ms. */
  readonly timeout: number;
  /** Takes the target's answers; null where none is expected, and the session then ends `timeout` after it began, however busy. */
  readonly onAnswer: ((datagram: Buffer) => void) | null;
  readonly counters: Counters;
  readonly onEnd: (ending: SessionEnding) => void;
}

/** What may wait for the name lookup, in bytes: about a socket buffer. More is dropped, as the kernel would. */
const MAX_PENDING = 256 * 1024;
/** What a waiting datagram takes beside its payload, in bytes. */
const DATAGRAM_OVERHEAD = 256;
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
  readonly #pending: Buffer[] = [];
  #pendingSize = 0;
  /** Whether the client spoke last. */
  #awaitsAnswer = false;
  #socket: Socket | null = null;
  readonly #idle: IdleTimer;

  constructor(options: Options) {
    this.#options = options;
    this.#idle = new IdleTimer(options.timeout, () => this.end('idle'));
    void this.#open();
  }

  get lastActiveAt(): number {
    return this.#idle.lastActiveAt;
  }

  send(datagram: Buffer): void {
    this.sent += datagram.length;
    this.#options.counters.sent(datagram.length);
    this.#awaitsAnswer = true;
    if (this.#options.onAnswer !== null) this.#idle.touch();
    if (this.#socket !== null) {
      this.#socket.send(datagram);
      return;
    }
    this.#pendingSize += datagram.length + DATAGRAM_OVERHEAD;
    if (this.#pendingSize <= MAX_PENDING) this.#pending.push(datagram);
  }

  /** Whether nothing waits to be sent, no answer is owed, and nothing has been said for a moment. */
  get isSettled(): boolean {
    if (this.#socket === null) return false;
    if (this.#options.onAnswer === null) return true;
    return !this.#awaitsAnswer && performance.now() - this.lastActiveAt >= QUIET;
  }

  /** Does nothing when the session has ended already. */
  end(ending: SessionEnding): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#idle.stop();
    this.#socket?.close();
    this.#options.onEnd(ending);
  }

  async #open(): Promise<void> {
    const { target, order, connectTimeout, counters, onAnswer } = this.#options;
    try {
      const socket = await dialUdp(target, { order, timeout: connectTimeout, signal: this.#ended.signal });
      const { address, port } = socket.remoteAddress();
      socket.on('error', (err) => {
        order.failed({ address, family: isIP(address) });
        this.end(err);
      });
      if (onAnswer !== null) {
        socket.on('message', (datagram) => {
          this.received += datagram.length;
          counters.received(datagram.length);
          this.#awaitsAnswer = false;
          this.#idle.touch();
          onAnswer(datagram);
        });
      }
      this.address = endpoint(address, port);
      this.#socket = socket;
      for (const datagram of this.#pending.splice(0)) socket.send(datagram);
    } catch (cause) {
      this.end(cause instanceof Error ? cause : new Error(String(cause)));
    }
  }
}

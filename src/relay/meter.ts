import type { Socket } from 'node:net';

import type { Counters } from './counters.ts';

/** Counts the bytes of one connection to a target as they move, for itself and for its port. */
export class Meter {
  /** To and from the target. */
  sent = 0;
  received = 0;
  readonly #counters: Counters;
  readonly #overhead: number;
  /** What had been moved when the socket was made a stream, which counts for itself. */
  #before = { sent: 0, received: 0 };

  /** `overhead` is what the relay itself says to the target, in bytes, which is nobody's traffic. */
  constructor(counters: Counters, overhead: number) {
    this.#counters = counters;
    this.#overhead = overhead;
  }

  addSent(bytes: number): void {
    this.sent += bytes;
    this.#counters.sent(bytes);
  }

  addReceived(bytes: number): void {
    this.received += bytes;
    this.#counters.received(bytes);
  }

  /** To be told of a socket that is made a stream; `unread` bytes have been read of it before, and are still to be moved. */
  beginStream(unread: number): void {
    this.#before = { sent: this.sent, received: this.received + unread };
  }

  /** Counts what the socket has moved and has not been counted; of what it has read, `unread` bytes are still to be moved. */
  catchUp({ bytesWritten, bytesRead }: Socket, { unread = 0 } = {}): void {
    // What a socket loses unsent, it does not count.
    this.addSent(this.#before.sent + Math.max(0, bytesWritten - this.#overhead) - this.sent);
    this.addReceived(this.#before.received + bytesRead - unread - this.received);
  }
}

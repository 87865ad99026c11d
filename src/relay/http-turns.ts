import type { Socket } from 'node:net';

interface Options {
  /** Told of a turn that failed. */
  readonly onFailure: (cause: unknown) => void;
  /** Told that the last answer has been given. */
  readonly onEnd: () => void;
}

/**
 * How many requests may be unanswered before no more are read. What one read has brought (64 KiB) is parsed as a whole, so that this is the
 * real bound.
 */
const MAX_PENDING = 16;

/**
 * A client's requests, answered one after the other, and the one place that knows which answer is the last: whoever learns that there will
 * be no other calls `end`, and no turn begins from then on. A client knows by the connection's end which of its requests have not been begun
 * (RFC 9112 §9.3.2).
 */
export class HttpTurns {
  readonly #client: Socket;
  readonly #options: Options;
  #last: Promise<void> = Promise.resolve();
  #pending = 0;
  #isEnding = false;

  constructor(client: Socket, options: Options) {
    this.#client = client;
    this.#options = options;
    // With this node:http ends a client after an answer that it takes for the last.
    client.destroySoon = () => this.end();
  }

  /** Whether nothing is asked for that has not been answered. */
  get isIdle(): boolean {
    return this.#pending === 0;
  }

  /** Whether no more is read for now. */
  get isHeld(): boolean {
    return this.#pending >= MAX_PENDING;
  }

  /** Whether the answer that is given now is the last. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Has a request served when its turn comes, unless that is never. */
  take(serve: () => Promise<void>): void {
    this.#pending++;
    // The parser has more to say by now, and resumes the client when it is done with that.
    if (this.isHeld) queueMicrotask(() => this.#readOn());
    this.#last = this.#last
      .then(() => (this.#isEnding ? undefined : serve()))
      .catch(this.#options.onFailure)
      .finally(() => {
        this.#pending--;
        this.#readOn();
        if (this.#isEnding) this.end();
      });
  }

  /** Lets the answer that is given now, if there is one, be the last. */
  end(): void {
    this.#isEnding = true;
    if (this.isIdle) this.#options.onEnd();
  }

  /** Resolves when all turns are over. */
  async settled(): Promise<void> {
    await this.#last;
  }

  #readOn(): void {
    if (this.isHeld) this.#client.pause();
    else if (this.#pending === MAX_PENDING - 1 && !this.#isEnding) this.#client.resume();
  }
}

import { GrowingBytes } from '../../wire/growing-bytes.ts';
import { Refusal } from '../../wire/refusal.ts';
import type { Connection, Holder } from '../tcp/connection.ts';
import type { End, EndListener } from '../tcp/end.ts';
import { endOf } from '../tcp/ends.ts';
import { EndedError, type Reader } from './peek.ts';
import { NAME_TIMEOUT, timeUntil } from './read-first.ts';

/** How much is read at first, in bytes: more than most openings are long, as what comes behind one is kept too. And then at a time. */
const FIRST = 4 * 1024;
const MOST = 16 * 1024;
/** What is kept of an opening is here, and in the reader. */
const COPIES = 2;

/**
 * What a client sends first; it is still to be read. Rejects with what the reader throws, with a Refusal when it takes until the deadline or ends
 * too early, or with an EndedError when it has sent nothing or is gone.
 */
export function readOpening<T>(connection: Connection, reader: Reader<T>, deadline: number): Promise<T> {
  return new OpeningListener(connection, reader, deadline).promise;
}

class OpeningListener<T> implements EndListener, Holder {
  readonly promise: Promise<T>;
  readonly #resolve: (result: T) => void;
  readonly #reject: (cause: unknown) => void;
  readonly #connection: Connection;
  readonly #reader: Reader<T>;
  readonly #end: End;
  readonly #seen = new GrowingBytes();
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection, reader: Reader<T>, deadline: number) {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#connection = connection;
    this.#reader = reader;
    this.#end = endOf(connection.accepted);
    this.#end.listener = this;
    this.#end.readLimit = FIRST;
    connection.holder = this;
    connection.awaitName();
    this.#end.start();
    if (!this.#isOver) this.#timer = setTimeout(() => this.#onSilence(), timeUntil(deadline));
  }

  onBytes(bytes: Buffer, length: number): void {
    this.#end.readLimit = MOST;
    this.#seen.add(bytes, 0, length);
    this.#connection.hold(this.#seen.size * COPIES);
    if (this.#isOver) return;
    try {
      const result = this.#reader.push(bytes.subarray(0, length));
      if (result !== null) this.#settle(() => this.#resolve(result));
    } catch (cause) {
      this.#settle(() => this.#reject(cause));
    }
  }

  onFin(): void {
    const ended = new EndedError(this.#seen.bytes);
    const cause =
      ended.seen.length === 0 ? ended : new Refusal('no name', `${ended.message}, without a name`);
    this.#seen.free(); // a stream that has ended takes nothing back
    this.#settle(() => this.#reject(cause));
  }

  cut(): void {
    this.#end.reset();
  }

  onFailing(): void {}

  onRoom(): void {}

  onClose(): void {
    this.#connection.left();
    this.#seen.free();
    this.#settle(() => this.#reject(new EndedError(Buffer.alloc(0))));
  }

  #onSilence(): void {
    this.#settle(() => this.#reject(new Refusal('silent', `no name within ${NAME_TIMEOUT} ms`)));
  }

  /** Gives the socket back, with what has been read. */
  #settle(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#connection.holder = null;
    this.#reader.free();
    if (this.#seen.length > 0) this.#end.putBack(this.#seen.take());
    this.#end.release();
    tell();
    this.#end.settle();
  }
}

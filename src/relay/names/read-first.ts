import { DeadlineError } from '../../lib/deadline.ts';
import { GrowingBytes } from '../../wire/growing-bytes.ts';
import type { TcpSocket, TcpSocketHandler } from '../tcp/tcp-socket.ts';

/** How much is read at a time, in bytes. */
const MOST = 16 * 1024;

/** A socket ended before it had said enough. */
export class EndedError extends Error {
  constructor(length = 0) {
    super(`it ended after ${length} bytes`);
    this.name = 'EndedError';
  }
}

export interface Reader<T> {
  /** Makes something of bytes as they come; null while it needs more. */
  push: (chunk: Buffer) => T | null;
  /** Gives back the memory of what it keeps; to be called when nothing more is pushed. */
  free: () => void;
}

interface Options {
  /** For the whole, in ms; Infinity for as long as it takes. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * Has a reader make something of what a socket sends first, which is still to be read then. Null when it has sent all that it had to send before
 * that. Rejects with what the reader throws, with a DeadlineError, with the signal's reason, or with an EndedError when the socket is reset.
 */
export function readFirst<T>(socket: TcpSocket, reader: Reader<T>, options: Options): Promise<T | null> {
  return new FirstReader(socket, reader, options).promise;
}

/** Has a reader read a socket, and puts back what it has read. */
export abstract class FirstListener<T, Else = never> implements TcpSocketHandler {
  readonly onlyMovesBytes = false;
  readonly promise: Promise<T | Else>;
  protected readonly socket: TcpSocket;
  protected readonly seen = new GrowingBytes();
  readonly #resolve: (result: T | Else) => void;
  readonly #reject: (cause: unknown) => void;
  readonly #reader: Reader<T>;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: TcpSocket, reader: Reader<T>) {
    const { promise, resolve, reject } = Promise.withResolvers<T | Else>();
    this.promise = promise;
    this.socket = socket;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#reader = reader;
    socket.handler = this;
  }

  abstract onFin(): void;

  protected abstract onSilence(timeout: number): void;

  /** Reads for so long at most, in ms, and so many bytes at first. */
  protected start(timeout: number, most = MOST): void {
    this.socket.readLimit = most;
    try {
      this.socket.start();
    } catch (cause) {
      this.fail(cause); // it cannot be watched
    }
    if (this.#isOver || timeout === Infinity) return;
    this.#timer = setTimeout(() => this.onSilence(timeout), timeout);
  }

  onBytes(bytes: Buffer, length: number): void {
    this.socket.readLimit = MOST;
    this.seen.add(bytes, 0, length);
    this.onSeen();
    if (this.#isOver) return;
    try {
      const result = this.#reader.push(bytes.subarray(0, length));
      if (result !== null) this.finish(result);
    } catch (cause) {
      this.fail(cause);
    }
  }

  protected onSeen(): void {}

  onFailing(): void {}

  onRoom(): void {}

  onClose(): void {
    this.seen.free();
    this.fail(new EndedError());
  }

  protected finish(result: T | Else): void {
    if (this.#isOver) return;
    this.giveBack();
    this.#resolve(result);
  }

  protected fail(cause: unknown): void {
    if (this.#isOver) return;
    this.giveBack();
    this.#reject(cause);
  }

  /** Gives the socket back, with what has been read. */
  protected giveBack(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#reader.free();
    if (this.seen.length > 0) this.socket.putBack(this.seen.take());
    this.socket.release();
  }
}

class FirstReader<T> extends FirstListener<T, null> {
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.fail(this.#signal.reason);

  constructor(socket: TcpSocket, reader: Reader<T>, { timeout, signal }: Options) {
    super(socket, reader);
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort);
    if (signal.aborted) this.#onAbort();
    else this.start(timeout);
  }

  onFin(): void {
    this.finish(null);
  }

  protected override onSilence(timeout: number): void {
    this.fail(new DeadlineError(timeout));
  }

  protected override giveBack(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    super.giveBack();
  }
}

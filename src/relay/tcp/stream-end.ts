import type { Socket } from 'node:net';

import { NO_LISTENER, type End, type EndListener } from './end.ts';
import { hasLostWrites, outliveWrites } from './outlive-writes.ts';
import { reset } from './reset.ts';

/** An end that is a stream, which reads what it likes at a time. */
export class StreamEnd implements End {
  listener: EndListener = NO_LISTENER;
  readLimit = Infinity;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    outliveWrites(socket);
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  start(): void {
    const socket = this.#socket;
    socket.on('data', this.#onData).on('drain', this.#onDrain).on('close', this.#onClose);
    if (socket.readableEnded) this.#onEnd();
    else socket.on('end', this.#onEnd);
    if (socket.closed) this.#onClose();
    else socket.resume(); // what has been looked into is paused
  }

  readonly #onData = (chunk: Buffer) => this.listener.onBytes(chunk, chunk.length);
  readonly #onDrain = () => this.listener.onRoom();
  readonly #onEnd = () => {
    if (hasLostWrites(this.#socket)) this.#socket.destroy(new Error('it was reset'));
    else this.listener.onFin();
  };
  readonly #onClose = () => {
    const { readableEnded, writableFinished } = this.#socket;
    const isWhole = readableEnded && writableFinished && !hasLostWrites(this.#socket);
    this.#emitClosed(!isWhole);
  };

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  putBack(bytes: Buffer): void {
    this.#socket.pause();
    this.#socket.unshift(bytes);
  }

  write(bytes: Buffer, start: number, end: number): void {
    const socket = this.#socket;
    if (hasLostWrites(socket) && socket.isPaused()) this.listener.onFailing();
    else if (start < end && socket.writable) socket.write(bytes.subarray(start, end));
  }

  sendFin(): void {
    if (!this.#socket.destroyed) this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
    this.#emitClosed(false);
  }

  reset(): void {
    reset(this.#socket);
    this.#emitClosed(true);
  }

  resetAfterAll(): void {
    this.#socket.write('', () => this.reset());
  }

  release(): void {
    const socket = this.#socket;
    socket.pause();
    socket.off('data', this.#onData).off('drain', this.#onDrain);
    socket.off('end', this.#onEnd).off('close', this.#onClose);
    this.listener = NO_LISTENER;
  }

  settle(): void {}

  #emitClosed(isAborted: boolean): void {
    const { listener } = this;
    this.listener = NO_LISTENER;
    listener.onClose(isAborted);
  }
}

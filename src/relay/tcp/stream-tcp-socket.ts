import type { Socket } from 'node:net';

import { hasLostWrites, outliveWrites } from './outlive-writes.ts';
import { reset } from './reset.ts';
import { type TcpSocket, type TcpSocketHandler, type Leaving, NO_HANDLER } from './tcp-socket.ts';

const NOTHING: Buffer = Buffer.alloc(0);
const ignore = () => {};

/** Over a stream, which reads what it likes at a time. */
export class StreamTcpSocket implements TcpSocket {
  handler: TcpSocketHandler = NO_HANDLER;
  readLimit = Infinity;
  readonly #socket: Socket;

  /** What was put back after its end, which Node takes back no more. */
  #unread: Buffer = NOTHING;

  constructor(socket: Socket) {
    this.#socket = socket.on('error', ignore); // 'close' follows
    outliveWrites(socket);
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  get hasLost(): boolean {
    return hasLostWrites(this.#socket);
  }

  get unreadLength(): number {
    return this.#unread.length + this.#socket.readableLength;
  }

  start(): void {
    const socket = this.#socket;
    socket.on('data', this.#onData).on('drain', this.#onDrain).on('close', this.#onClose);
    this.#emitUnread();
    if (socket.readableEnded) this.#onEnd();
    else socket.on('end', this.#onEnd);
    if (socket.closed) this.#onClose();
    else socket.resume(); // what has been looked into is paused
  }

  #emitUnread(): void {
    const unread = this.#unread;
    this.#unread = NOTHING;
    if (unread.length > 0) this.handler.onBytes(unread, unread.length);
  }

  readonly #onData = (chunk: Buffer) => this.handler.onBytes(chunk, chunk.length);
  readonly #onDrain = () => this.handler.onRoom();
  readonly #onEnd = () => {
    if (hasLostWrites(this.#socket)) this.#socket.destroy(new Error('it was reset'));
    else this.handler.onFin();
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
    if (this.#socket.readableEnded) this.#unread = bytes;
    else this.#socket.unshift(bytes);
  }

  drop(length: number): void {
    this.#take(length);
  }

  passOn(length: number, to: TcpSocket): void {
    to.write(this.#take(length), 0, length);
  }

  #take(length: number): Buffer {
    return this.#socket.read(length) as Buffer;
  }

  write(bytes: Buffer, start: number, end: number): void {
    const socket = this.#socket;
    if (hasLostWrites(socket) && socket.isPaused()) this.handler.onFailing();
    else if (start < end && socket.writable) socket.write(bytes.subarray(start, end));
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
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
    this.readLimit = Infinity;
    this.handler = NO_HANDLER;
  }

  noticeLeaving({ byFin, onLeft }: Leaving): () => void {
    const socket = this.#socket;
    const onEnd = () => {
      if (socket.bytesRead === 0 && socket.readableLength === 0) onLeft();
    };
    if (byFin) socket.once('end', onEnd);
    socket.once('close', onLeft);
    socket.read(0);
    return () => socket.off('end', onEnd).off('close', onLeft);
  }

  toStream(): Socket {
    return this.#socket;
  }

  #emitClosed(isAborted: boolean): void {
    const { handler } = this;
    this.handler = NO_HANDLER;
    handler.onClose(isAborted);
  }
}

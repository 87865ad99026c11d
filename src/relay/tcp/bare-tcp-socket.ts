import type { Socket } from 'node:net';

import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP } from '../../kernel/abi.ts';
import type { BareSocket } from '../../kernel/bare-socket.ts';
import { EAGAIN, ECONNRESET, EPIPE } from '../../kernel/kernel.ts';
import { freeBytes } from '../../lib/own-bytes.ts';
import { type TcpSocket, type TcpSocketHandler, type Leaving, NO_HANDLER } from './tcp-socket.ts';

/** How often one socket is read before others are. */
const MAX_READS = 4;

/** Over a bare socket: it is read into one buffer that all connections of the thread share, and written from there. */
export class BareTcpSocket implements TcpSocket {
  handler: TcpSocketHandler = NO_HANDLER;
  readLimit = Infinity;
  readonly #socket: BareSocket;
  #leaving: Leaving | null = null;
  #isStarted = false;
  #isPaused = false;
  /** Whether all that has come has been read: then there will be an event for more. */
  #isDrained = false;
  #hasEnded = false;
  #isFinished = false;
  /** Events of what a read stops short at, an end or urgent data: there may be more behind what is read. */
  #stops = 0;
  /** Whether a write has vanished. */
  #hasLost = false;
  /** What the kernel has not taken yet, and what follows it. */
  #pending: Buffer | null = null;
  #follows: 'nothing' | 'FIN' | 'reset' = 'nothing';
  /** Whether its next turn to be read is coming. */
  #isWaiting = false;

  constructor(socket: BareSocket) {
    this.#socket = socket;
    socket.listener = this;
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number {
    return this.#socket.remotePort;
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  get isFull(): boolean {
    return this.#pending !== null;
  }

  get onlyMovesBytes(): boolean {
    return this.handler.onlyMovesBytes;
  }

  get hasLost(): boolean {
    return this.#hasLost;
  }

  get unreadLength(): number {
    return this.#socket.unread.length;
  }

  start(): void {
    const socket = this.#socket;
    if (!socket.isOpen) return this.#emitClosed(true);
    this.#isStarted = true;
    this.#emitUnread();
    if (!this.#isStarted) return;
    const events = socket.isWatched ? socket.untaken : EPOLLIN;
    socket.untaken = 0;
    this.onEvents(events);
    if (socket.isOpen && this.#isStarted) socket.watch();
  }

  onEvents(events: number): void {
    if (!this.#isStarted) return this.#keepForStart(events);
    this.#stops |= events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    if ((events & EPOLLOUT) !== 0 && this.#pending !== null) this.#writePending(this.#pending);
    if ((events & EPOLLERR) !== 0 && this.#hasEnded) return this.#close(true);
    if ((events & ~EPOLLOUT) === 0) return;
    this.#isDrained = false;
    this.#read();
  }

  #keepForStart(events: number): void {
    if ((events & EPOLLOUT) !== 0 && this.#pending !== null) this.#writePending(this.#pending);
    this.#socket.untaken |= events & ~EPOLLOUT;
    if (this.#leaving !== null) this.#checkLeaving(events, this.#leaving);
  }

  noticeLeaving(leaving: Leaving): () => void {
    const { untaken } = this.#socket;
    this.#leaving = leaving;
    this.#socket.watch();
    // Events that came while nobody listened do not come again.
    if (untaken !== 0) this.#checkLeaving(untaken, leaving);
    return () => {
      this.#leaving = null;
    };
  }

  #checkLeaving(events: number, { byFin, onLeft }: Leaving): void {
    const isReset = (events & (EPOLLERR | EPOLLHUP)) !== 0;
    const hasEnded = byFin && (events & EPOLLRDHUP) !== 0;
    if (isReset || (hasEnded && !this.#socket.hasUnread())) onLeft();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#socket.kernel.isBufferTaken) return this.#waitForTurn();
    this.#emitUnread();
    this.#read();
  }

  putBack(bytes: Buffer): void {
    this.#socket.putBack(bytes);
    this.#isPaused = true;
  }

  drop(length: number): void {
    this.#socket.dropUnread(length);
  }

  passOn(length: number, to: TcpSocket): void {
    const bytes = this.#socket.unread.subarray(0, length); // fewer when it is closed: C would read what lies behind
    to.write(bytes, 0, bytes.length);
    this.drop(bytes.length);
  }

  #emitUnread(): void {
    if (this.#isPaused || this.#socket.unread.length === 0) return;
    const unread = this.#socket.takeUnread();
    this.handler.onBytes(unread, unread.length);
    freeBytes(unread);
  }

  /** Reads what has come, as long as somebody takes it. */
  #read(): void {
    const socket = this.#socket;
    const { buffer } = socket.kernel;
    for (let reads = 0; reads < MAX_READS; reads++) {
      if (this.#hasEnded || !socket.isOpen || !this.#isStarted) return;
      if (this.#isPaused) return this.#emitFailing();
      const most = Math.min(this.readLimit, buffer.bytes.length);
      const count = socket.read(most);
      // Of a socket that has been read out, more is an event.
      this.#isDrained = count === -EAGAIN || (count < most && this.#stops === 0);
      if (count === -EAGAIN) return;
      if (count < 0) return this.#close(true);
      if (count === 0) return this.#end();
      socket.kernel.isBufferTaken = true;
      try {
        this.handler.onBytes(buffer.bytes, count);
      } finally {
        socket.kernel.isBufferTaken = false;
      }
      if (this.#isDrained) return;
    }
    this.#waitForTurn();
  }

  #waitForTurn(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setImmediate(() => {
      this.#isWaiting = false;
      if (!this.#isStarted) return;
      this.#emitUnread();
      this.#read();
    });
  }

  #end(): void {
    if (this.#hasLost) return this.#close(true);
    this.#hasEnded = true;
    this.handler.onFin();
    if (this.#isFinished && this.#pending === null) this.#close(false);
  }

  write(bytes: Buffer, start: number, end: number): void {
    if (!this.isOpen || this.#hasLost || start === end) return;
    if (this.#pending !== null) {
      this.#pending = Buffer.concat([this.#pending, bytes.subarray(start, end)]);
      return;
    }
    const count = this.#socket.write(bytes, start, end);
    if (count === end - start) return;
    if (count < 0 && count !== -EAGAIN) return this.#lose(-count);
    this.#pending = Buffer.copyBytesFrom(bytes, start + Math.max(0, count), end - start - Math.max(0, count));
    this.#socket.watch({ forRoom: true });
  }

  #writePending(bytes: Buffer): void {
    const count = this.#socket.write(bytes);
    if (count === -EAGAIN) return;
    if (count >= 0 && count < bytes.length) {
      this.#pending = bytes.subarray(count);
      return this.handler.onRoom();
    }
    this.#pending = null;
    if (count < 0) this.#lose(-count);
    if (this.#follows === 'FIN') this.#shutDown();
    if (this.#follows === 'reset') this.reset();
    else if (this.isOpen) this.handler.onRoom();
  }

  /** As the error has been used up, the kernel ends what is still to be read with an EOF where a reset had come. */
  #lose(errno: number): void {
    this.#hasLost = true;
    this.#stops |= EPOLLERR;
    this.#isDrained = false;
    if (this.#hasEnded || (errno !== EPIPE && errno !== ECONNRESET)) this.#close(true);
    else if (this.#isPaused) this.#emitFailing();
  }

  /** It may have failed before what came first was read, and reading was paused for that. */
  #emitFailing(): void {
    if ((this.#stops & EPOLLERR) !== 0) this.handler.onFailing();
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  sendFin(): void {
    if (!this.isOpen || this.#isFinished) return;
    this.#isFinished = true;
    if (this.#pending === null) this.#shutDown();
    else this.#follows = 'FIN';
  }

  #shutDown(): void {
    this.#follows = 'nothing';
    if (this.#hasEnded) this.#close(false);
    else this.#socket.end();
  }

  close(): void {
    this.#close(false);
  }

  reset(): void {
    this.#close(true);
  }

  resetAfterAll(): void {
    if (this.#pending === null) this.reset();
    else this.#follows = 'reset';
  }

  release(): void {
    // Events till now are for the next handler to find out.
    this.#socket.untaken |= this.#stops | (this.#isDrained ? 0 : EPOLLIN);
    this.#isStarted = false;
    this.#isPaused = false;
    this.#hasEnded = false;
    this.readLimit = Infinity;
    this.handler = NO_HANDLER;
  }

  toStream(): Socket {
    return this.#socket.toStream();
  }

  #close(isAborted: boolean): void {
    if (!this.isOpen) return;
    // What has failed is mostly gone, and sends nothing more; if it is not, what it has got must not look complete.
    if (isAborted) this.#socket.reset();
    else this.#socket.close();
    this.#emitClosed(isAborted);
  }

  #emitClosed(isAborted: boolean): void {
    this.#pending = null;
    const { handler } = this;
    this.handler = NO_HANDLER;
    handler.onClose(isAborted);
  }
}

import type { BareSocket } from '../../kernel/bare-socket.ts';
import { EAGAIN, ECONNRESET, EPIPE } from '../../kernel/kernel.ts';
import { FAILED, HUNG_UP, PEER_ENDED, READABLE, URGENT, WRITABLE } from '../../kernel/poller.ts';
import { freeBytes } from '../../lib/own-bytes.ts';
import { NO_LISTENER, type End, type EndListener } from './end.ts';

/** How often one socket is read before others have their turn. */
const TURN = 4;

/** An end that is a bare socket: it is read into one buffer that all connections of the thread share, and written from there. */
export class BareEnd implements End {
  listener: EndListener = NO_LISTENER;
  readLimit = Infinity;
  readonly #socket: BareSocket;
  #isPaused = false;
  #hasEnded = false;
  #isFinished = false;
  /** What has been told that a read stops short at, an end or urgent data: there may be more behind what is read. */
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
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  get isFull(): boolean {
    return this.#pending !== null;
  }

  start(): void {
    const socket = this.#socket;
    socket.listener = this;
    this.#emitUnread();
    this.onEvents(socket.isWatched ? socket.unheard : READABLE);
    if (socket.isOpen && socket.listener === this) socket.watch();
  }

  onEvents(events: number): void {
    this.#stops |= events & (URGENT | PEER_ENDED | HUNG_UP | FAILED);
    if ((events & WRITABLE) !== 0 && this.#pending !== null) this.#writePending(this.#pending);
    if ((events & FAILED) !== 0 && this.#hasEnded) return this.#close(true);
    if ((events & ~WRITABLE) !== 0) this.#read();
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

  #emitUnread(): void {
    if (this.#isPaused || this.#socket.unread.length === 0) return;
    const unread = this.#socket.takeUnread();
    this.listener.onBytes(unread, unread.length);
    freeBytes(unread);
  }

  /** Tells what has come, as long as somebody takes it. */
  #read(): void {
    const socket = this.#socket;
    const { buffer } = socket.kernel;
    for (let turn = 0; turn < TURN; turn++) {
      if (this.#hasEnded || !socket.isOpen || socket.listener !== this) return;
      if (this.#isPaused) return this.#tellFailing();
      const most = Math.min(this.readLimit, buffer.bytes.length);
      const count = socket.read(most);
      if (count === -EAGAIN) return;
      if (count < 0) return this.#close(true);
      if (count === 0) return this.#end();
      socket.kernel.isBufferTaken = true;
      try {
        this.listener.onBytes(buffer.bytes, count);
      } finally {
        socket.kernel.isBufferTaken = false;
      }
      // A socket that has been read out tells of more by itself.
      if (count < most && this.#stops === 0) return;
    }
    this.#waitForTurn();
  }

  #waitForTurn(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setImmediate(() => {
      this.#isWaiting = false;
      if (this.#socket.listener !== this) return;
      this.#emitUnread();
      this.#read();
    });
  }

  #end(): void {
    if (this.#hasLost) return this.#close(true);
    this.#hasEnded = true;
    this.listener.onFin();
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
      return this.listener.onRoom();
    }
    this.#pending = null;
    if (count < 0) this.#lose(-count);
    if (this.#follows === 'FIN') this.#shutDown();
    if (this.#follows === 'reset') this.reset();
    else if (this.isOpen) this.listener.onRoom();
  }

  /** As the error has been used up, the kernel ends what is still to be read with an EOF where a reset had come. */
  #lose(errno: number): void {
    this.#hasLost = true;
    this.#stops |= FAILED;
    if (this.#hasEnded || (errno !== EPIPE && errno !== ECONNRESET)) this.#close(true);
    else if (this.#isPaused) this.#tellFailing();
  }

  /** It may have failed before what came first was told, and reading was paused for that. */
  #tellFailing(): void {
    if ((this.#stops & FAILED) !== 0) this.listener.onFailing();
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
    if (!this.isOpen) return;
    this.#socket.reset();
    this.#emitClosed(true);
  }

  resetAfterAll(): void {
    if (this.#pending === null) this.reset();
    else this.#follows = 'reset';
  }

  release(): void {
    this.#socket.listener = null;
    // What was told meanwhile is for the next listener to find out.
    this.#socket.unheard = READABLE | this.#stops;
    this.listener = NO_LISTENER;
  }

  settle(): void {
    this.#socket.kernel.poller.settle();
  }

  #close(isAborted: boolean): void {
    if (!this.isOpen) return;
    this.#socket.close();
    this.#emitClosed(isAborted);
  }

  #emitClosed(isAborted: boolean): void {
    this.#pending = null;
    const { listener } = this;
    this.listener = NO_LISTENER;
    listener.onClose(isAborted);
  }
}

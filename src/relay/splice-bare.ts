import type { BareSocket } from '../kernel/bare-socket.ts';
import { EAGAIN, ECONNRESET, EPIPE } from '../kernel/kernel.ts';
import { FAILED, HUNG_UP, PEER_ENDED, READABLE, URGENT, WRITABLE } from '../kernel/poller.ts';
import { IdleTimer } from './idle-timer.ts';
import type { Meter } from './meter.ts';
import { type Ending, LINGER } from './splice.ts';

interface Options {
  /** Both sockets are reset after so long without a byte, in ms; 0 for never. */
  readonly idleTimeout: number;
  /** Counts what is moved. */
  readonly meter: Meter;
}

/** How often one socket is read before others have their turn. */
const TURN = 4;

/**
 * Moves bytes between two bare sockets, and owns them from then on: a read and a write each, from one buffer that all connections share. It promises what
 * `splice` does for streams.
 */
export class BareSplice {
  /** Resolves when both sockets are closed. */
  readonly ended: Promise<Ending>;
  readonly idle: IdleTimer;
  readonly #client: Side;
  readonly #target: Side;
  readonly #resolve: (ending: Ending) => void;
  #ending: Ending = 'finished';
  #linger: NodeJS.Timeout | undefined;

  constructor(client: BareSocket, target: BareSocket, { idleTimeout, meter }: Options) {
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.ended = promise;
    this.#resolve = resolve;
    this.idle = new IdleTimer(idleTimeout, () => this.#cut('idle'));
    this.#client = new Side(client, this, 'client aborted', (count) => meter.addSent(count));
    this.#target = new Side(target, this, 'target aborted', (count) => meter.addReceived(count));
    this.#client.peer = this.#target;
    this.#target.peer = this.#client;
    this.#client.start();
    this.#target.start();
  }

  /** Resets both sockets. */
  cut(): void {
    this.#cut('cut off');
  }

  #cut(ending: Ending): void {
    this.because(ending);
    this.#client.reset();
    this.#target.reset();
  }

  /** Says how it has come to an end; who says it first is right. */
  because(ending: Ending): void {
    if (this.#ending === 'finished') this.#ending = ending;
  }

  /** Gives the side that is left a while to read what was said before the other one was aborted. */
  linger(side: Side): void {
    this.#linger ??= setTimeout(() => side.reset(), LINGER);
  }

  /** To be told of each side that has been closed. */
  closed({ peer, socket }: Side): void {
    if (peer.socket.isOpen) return;
    this.idle.stop();
    clearTimeout(this.#linger);
    this.#resolve(this.#ending);
    socket.kernel.poller.settle();
  }
}

/** One of the two: what it says is read here, and what it is told written. */
class Side {
  peer!: Side;
  readonly socket: BareSocket;
  readonly #splice: BareSplice;
  readonly #aborted: Ending;
  readonly #onBytes: (count: number) => void;
  /** Whether its FIN has been read. */
  #hasEnded = false;
  /** Whether an end has been told of, or urgent data, at which a read stops short: there may be more behind what is read. */
  #mayGoOn = false;
  /** Whether something has not reached it, so that its FIN proves nothing. */
  #hasLost = false;
  /** What the kernel has not taken yet, and whether a reset follows it. A FIN cannot: it is read when all before it has been written. */
  #pending: Buffer | null = null;
  #resetFollows = false;
  #isFinished = false;
  /** Whether its next turn to be read is coming. */
  #isWaiting = false;

  constructor(socket: BareSocket, splice: BareSplice, aborted: Ending, onBytes: (count: number) => void) {
    this.socket = socket;
    this.#splice = splice;
    this.#aborted = aborted;
    this.#onBytes = onBytes;
  }

  /** Whether all that it had to say has come. */
  get #isComplete(): boolean {
    return this.#hasEnded && !this.#hasLost;
  }

  start(): void {
    const { socket } = this;
    socket.listener = this;
    const unread = socket.takeUnread();
    if (unread.length > 0) {
      this.#onBytes(unread.length);
      this.peer.#say(unread);
    }
    this.onEvents(socket.isWatched ? socket.unheard : READABLE);
    if (socket.isOpen) socket.watch();
  }

  onEvents(events: number): void {
    if ((events & (URGENT | PEER_ENDED | HUNG_UP | FAILED)) !== 0) this.#mayGoOn = true;
    if ((events & WRITABLE) !== 0 && this.#pending !== null) this.#goOn(this.#pending);
    if (this.#hasEnded && (events & FAILED) !== 0) this.#abort();
    else if ((events & ~WRITABLE) !== 0) this.#read();
  }

  /** Passes on what has come, as far as the other side takes it. */
  #read(): void {
    const { socket, peer } = this;
    for (let turn = 0; turn < TURN; turn++) {
      if (!socket.isOpen || this.#hasEnded || peer.#pending !== null) return;
      const count = socket.read();
      if (count === -EAGAIN) return;
      if (count < 0) return this.#abort();
      if (count === 0) return this.#end();
      this.#onBytes(count);
      this.#splice.idle.touch();
      peer.#write(count);
      // A socket that has been read out tells of more by itself.
      if (count < socket.kernel.buffer.bytes.length && !this.#mayGoOn) return;
    }
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setImmediate(() => {
      this.#isWaiting = false;
      this.#read();
    });
  }

  /** Writes the beginning of the shared buffer; to a side that is gone nothing can be said any more. */
  #write(length: number): void {
    const { socket } = this;
    if (!socket.isOpen || this.#hasLost) return;
    const { pointer, bytes } = socket.kernel.buffer;
    const count = socket.writeFrom(pointer, length);
    if (count === length) return;
    if (count < 0 && count !== -EAGAIN) return this.#lose(-count);
    const written = Math.max(0, count);
    this.#pending = Buffer.copyBytesFrom(bytes, written, length - written);
    socket.watch({ forRoom: true });
  }

  /** Writes what the kernel had no room for; when it has taken all, the other side is read again. */
  #goOn(pending: Buffer): void {
    this.#flush(pending);
    if (this.#pending === null) this.peer.#read();
  }

  /** Writes what is not in the shared buffer. */
  #say(bytes: Buffer): void {
    if (!this.socket.isOpen) return;
    this.#flush(bytes);
    if (this.#pending !== null) this.socket.watch({ forRoom: true });
  }

  #flush(bytes: Buffer): void {
    const count = this.socket.write(bytes);
    if (count === -EAGAIN) {
      this.#pending = bytes;
      return;
    }
    this.#splice.idle.touch();
    this.#pending = count >= 0 && count < bytes.length ? bytes.subarray(count) : null;
    if (count < 0) this.#lose(-count);
    if (this.#pending === null && this.#resetFollows) this.reset();
  }

  /**
   * What a peer that is gone does not get vanishes: it may have said something before, such as a 413 to an upload, which is still to be
   * read. As the error has been used up by then, the kernel ends that with an EOF where a reset had come.
   */
  #lose(errno: number): void {
    this.#hasLost = true;
    this.#mayGoOn = true;
    if (this.#hasEnded || (errno !== EPIPE && errno !== ECONNRESET)) this.#abort();
  }

  #end(): void {
    this.#hasEnded = true;
    if (this.#hasLost) return this.#abort();
    if (this.#isFinished) this.#close();
    this.peer.#finish();
  }

  /** Sends a FIN, as the other side has. */
  #finish(): void {
    if (!this.socket.isOpen) return;
    this.#isFinished = true;
    if (this.#hasEnded) this.#close();
    else this.socket.end();
  }

  /** It was cut off: so is the other side, after what this one said before. A truncated transfer must not look complete. */
  #abort(): void {
    this.#splice.because(this.#aborted);
    this.#pending = null;
    this.#close();
    const { peer } = this;
    if (!peer.socket.isOpen) return;
    this.#splice.linger(peer);
    // After all it had to say, the other side has got a FIN, and may read to the end.
    if (!this.#isComplete) peer.#resetAfterAll();
    if (peer.socket.isOpen) peer.#read();
  }

  #resetAfterAll(): void {
    this.#resetFollows = true;
    if (this.#pending === null) this.reset();
  }

  #close(): void {
    if (!this.socket.isOpen) return;
    this.socket.close();
    this.#splice.closed(this);
  }

  reset(): void {
    if (!this.socket.isOpen) return;
    this.socket.reset();
    this.#splice.closed(this);
  }
}

import { IdleTimer } from '../idle-timer.ts';
import type { Meter } from '../meter.ts';
import { type TcpSocket, type TcpSocketHandler, LINGER } from './tcp-socket.ts';

/** How a connection ended: both directions to their end, aborted by one side, without a byte for too long, or cut off by us. */
export type Ending = 'finished' | 'client aborted' | 'target aborted' | 'idle' | 'cut off';

/** Shown what a client sends, before it goes on. */
export interface Observer {
  onSent: (bytes: Buffer, length: number) => void;
  onEnd: () => void;
}

interface Options {
  /** Both ends are reset after so long without a byte, in ms; 0 for never. */
  readonly idleTimeout: number;
  /** Counts what is moved. */
  readonly meter: Meter;
  readonly observer?: Observer | null;
}

/**
 * Moves bytes both ways until both ends are closed, and owns them from then on. A FIN is passed on as a FIN, and the other direction lives
 * until its own end. An end that is cut off has the other one reset, after what it sent before has been written: a truncated transfer never
 * looks complete.
 */
export class Splice {
  /** Resolves when both ends are closed. */
  readonly ended: Promise<Ending>;
  readonly idle: IdleTimer;
  readonly #client: Direction;
  readonly #target: Direction;
  readonly #observer: Observer | null;
  readonly #resolve: (ending: Ending) => void;
  #ending: Ending = 'finished';
  #linger: NodeJS.Timeout | undefined;

  constructor(client: TcpSocket, target: TcpSocket, { idleTimeout, meter, observer = null }: Options) {
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.ended = promise;
    this.#observer = observer;
    this.#resolve = resolve;
    this.idle = new IdleTimer(idleTimeout, () => this.cut('idle'));
    this.#client = new Direction(this, client, target, 'client aborted', (bytes, length) => {
      meter.addSent(length);
      observer?.onSent(bytes, length);
    });
    this.#target = new Direction(this, target, client, 'target aborted', (_bytes, length) =>
      meter.addReceived(length),
    );
    client.handler = this.#client;
    target.handler = this.#target;
    client.start();
    target.start();
  }

  /** Resets both ends. */
  cut(ending: Ending = 'cut off'): void {
    this.because(ending);
    this.#client.source.reset();
    this.#target.source.reset();
  }

  /** Says how it has come to an end; who says it first is right. */
  because(ending: Ending): void {
    if (this.#ending === 'finished') this.#ending = ending;
  }

  /** Gives the end that is left a while to read what was sent to it before the other one was aborted. */
  linger(): void {
    this.#linger ??= setTimeout(() => this.cut(), LINGER);
  }

  /** To be told of each end that has closed. */
  closed({ sink }: Direction): void {
    if (sink.isOpen) return;
    this.idle.stop();
    clearTimeout(this.#linger);
    this.#observer?.onEnd();
    this.#resolve(this.#ending);
  }
}

/** From one end to the other. */
class Direction implements TcpSocketHandler {
  readonly onlyMovesBytes = true;
  readonly source: TcpSocket;
  readonly sink: TcpSocket;
  readonly #splice: Splice;
  readonly #aborted: Ending;
  readonly #count: (bytes: Buffer, length: number) => void;
  /** Whether all that the source had to send has come. */
  #isComplete = false;

  constructor(
    splice: Splice,
    source: TcpSocket,
    sink: TcpSocket,
    aborted: Ending,
    count: Direction['onBytes'],
  ) {
    this.#splice = splice;
    this.source = source;
    this.sink = sink;
    this.#aborted = aborted;
    this.#count = count;
  }

  onBytes(bytes: Buffer, length: number): void {
    const { sink } = this;
    this.#count(bytes, length);
    this.#splice.idle.touch();
    sink.write(bytes, 0, length);
    if (sink.isFull) this.source.pause();
  }

  onFin(): void {
    this.#isComplete = true;
    this.sink.sendFin();
  }

  onRoom(): void {
    this.#splice.idle.touch();
    if (!this.source.isFull) this.sink.resume();
  }

  /** The sink has no room; a source that is gone must not wait for that for ever. */
  onFailing(): void {
    this.#splice.because(this.#aborted);
    this.#splice.linger();
  }

  onClose(isAborted: boolean): void {
    const { sink } = this;
    if (isAborted) {
      this.#splice.because(this.#aborted);
      if (sink.isOpen) {
        this.#splice.linger();
        // After all that there was to read, the other end has got a FIN, and may read to the end.
        if (!this.#isComplete) sink.resetAfterAll();
        // What it still sends has nowhere to go.
        if (sink.isOpen) sink.resume();
      }
    }
    this.#splice.closed(this);
  }
}

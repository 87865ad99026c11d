import { copyBytes } from '../../lib/own-bytes.ts';
import { AnswerReader } from '../../wire/http-answer-reader.ts';
import { hidesNames } from '../../wire/http-request-reader.ts';
import { NO_HANDLER, type TcpSocket, type TcpSocketHandler, LINGER } from '../tcp/tcp-socket.ts';
import type { Upstream } from '../tcp/upstream.ts';

/** What has to be known of a request while its answer is due. */
export interface Exchange {
  readonly method: string;
  /** Whether its answer may change the protocol (RFC 9110 §7.8). */
  readonly asksForUpgrade: boolean;
  /** Whether a server might take what comes behind it for something else than a request, so that nothing may before it is answered. */
  readonly isBarrier: boolean;
  readonly hasContent: boolean;
  /** Whether the client closes its connection after the answer. */
  readonly isLast: boolean;
}

/** How an exchange failed. */
export interface Failure {
  readonly reason: string;
  /** Whether part of the final answer has been passed on. */
  readonly isPartial: boolean;
  /** Whether the target has answered others before on this connection. */
  readonly isStale: boolean;
}

/** The client's side of an HTTP relay, as its target's side needs it. */
export interface Requester extends Pick<TcpSocketHandler, 'onlyMovesBytes'> {
  readonly client: TcpSocket;
  /** Whether content of the last request is still to come. */
  readonly isWithinRequest: boolean;
  onActivity: () => void;
  /** An answer has been passed on whole, and more may follow. */
  onAnswered: () => void;
  /** The answer that has been passed on whole is the last. */
  onLastAnswer: () => void;
  /** An answer cannot be read: no further request may be sent. */
  onUnreadable: () => void;
  /** The target has changed the protocol (101) or opened a tunnel (2xx to CONNECT); its next bytes belong to that. */
  onSwitch: (exchange: Exchange) => void;
  /** No answer is due, and the target has ended the connection or sent something unasked. */
  onOver: () => void;
  onFailure: (failure: Failure) => void;
  /** The target takes more of a request. */
  onRoom: () => void;
}

/**
 * One client's connection to a target: requests are sent on it as they are, and their answers passed back as they come. It is kept until a request needs
 * another one, or the target sends its FIN.
 *
 * A request with content is the last: a server that leaves content unread reads it as the next request, for
 * whatever host it names. `Connection: close`, as the first field line, makes it close instead. An answer
 * that nobody asked for is never passed on. One that cannot be read goes on until the close, and no request
 * follows it; behind content it must say `Connection: close`, as it could hold the answer to what was content.
 */
export class HttpUpstream implements TcpSocketHandler {
  readonly upstream: Upstream;
  readonly socket: TcpSocket;
  /** Requests whose answers are due, in order. */
  readonly due: Exchange[] = [];
  /** Whether it takes no further request, as one with content was sent. */
  isSpent = false;
  /** Whether part of the final answer that is due has been passed on. */
  isPartial = false;
  readonly #requester: Requester;
  readonly #answers = new AnswerReader();
  #hasAnswered = false;
  #isClosed = false;
  #failing: NodeJS.Timeout | undefined;

  constructor(upstream: Upstream, requester: Requester) {
    this.upstream = upstream;
    this.socket = upstream.socket;
    this.#requester = requester;
    this.socket.handler = this;
  }

  start(): void {
    this.socket.start();
  }

  /** Sends the head of a request. */
  ask(exchange: Exchange, bytes: Buffer, start: number, end: number): void {
    this.due.push(exchange);
    if (exchange.hasContent) this.isSpent = true;
    this.send(bytes, start, end);
  }

  send(bytes: Buffer, start: number, end: number): void {
    this.upstream.meter.addSent(end - start);
    this.#requester.onActivity();
    this.socket.write(bytes, start, end);
  }

  /** Closes it: with a reset where a request or an answer would otherwise look complete. */
  close(): void {
    this.#leave();
    this.socket.handler = NO_HANDLER;
    if (this.due.length > 0 || this.#requester.isWithinRequest) this.socket.reset();
    else this.socket.close();
  }

  /** Gives the socket away. */
  release(): void {
    this.#leave();
    this.socket.release();
  }

  #leave(): void {
    this.#isClosed = true;
    this.#answers.free();
    clearTimeout(this.#failing);
  }

  onBytes(bytes: Buffer, length: number): void {
    this.upstream.meter.addReceived(length);
    this.#requester.onActivity();
    for (let at = 0; at < length && this.socket.handler === this;) at = this.#pass(bytes, at, length);
    if (this.#requester.client.isFull) this.socket.pause();
  }

  /** Passes on what belongs to one answer; how far. */
  #pass(bytes: Buffer, at: number, length: number): number {
    const answers = this.#answers;
    const { client } = this.#requester;
    const [exchange] = this.due;
    if (exchange === undefined) {
      this.#requester.onOver();
      return length;
    }
    let start = at;
    let stop = at;
    if (!this.isPartial) {
      answers.method = exchange.method;
      stop = answers.readHead(bytes, at, length);
      if (!answers.hasHead) return length;
      if (answers.status === 101 && !(exchange.asksForUpgrade && !hidesNames(answers.upgrade)))
        return this.#refuse('it changes the protocol unasked', length);
      if (this.#mustBeReadable) return this.#refuse('it cannot be read', length);
      if (answers.bytes !== bytes) {
        client.write(answers.bytes, answers.start, answers.end);
        answers.letGo();
        start = stop;
        if (this.#isClosed) return length; // as the write has found the client gone
      }
      if (answers.status === 101 || (exchange.method === 'CONNECT' && isSuccess(answers.status))) {
        client.write(bytes, start, stop);
        if (this.#isClosed) return length;
        this.due.shift();
        if (stop < length) this.socket.putBack(copyBytes(bytes, stop, length));
        this.upstream.meter.addReceived(stop - length); // which is counted when it is moved
        this.#requester.onSwitch(exchange);
        return length;
      }
      this.isPartial = answers.status >= 200 || !answers.isUnderstood;
    }
    if (this.isPartial && !answers.isBetween) stop = answers.readContent(bytes, stop, length);
    if (this.#mustBeReadable) return this.#refuse('it cannot be read', length);
    if (!answers.isUnderstood) this.#requester.onUnreadable();
    client.write(bytes, start, stop);
    if (this.isPartial && answers.isBetween) this.#finish(exchange);
    return stop;
  }

  get onlyMovesBytes(): boolean {
    return this.#requester.onlyMovesBytes;
  }

  /** Whether an answer that cannot be read must not be passed on. */
  get #mustBeReadable(): boolean {
    return !this.#answers.isUnderstood && this.isSpent && !this.#answers.closes;
  }

  #finish(exchange: Exchange): void {
    if (this.#isClosed) return;
    this.due.shift();
    this.isPartial = false;
    this.#hasAnswered = true;
    if (exchange.isLast || !this.#answers.persists) this.#requester.onLastAnswer();
    else this.#requester.onAnswered();
  }

  /** Passes on neither an answer nor what follows it. */
  #refuse(reason: string, length: number): number {
    this.#fail(reason);
    return length;
  }

  #fail(reason: string, { isStale = false } = {}): void {
    this.#requester.onFailure({ reason, isPartial: this.isPartial, isStale: isStale && !this.isPartial });
  }

  onFin(): void {
    const [exchange] = this.due;
    if (exchange === undefined) this.#requester.onOver();
    else if (this.isPartial && this.#answers.left === Infinity) this.#finish(exchange);
    else this.#fail('it has ended the connection', { isStale: this.#hasAnswered });
  }

  onRoom(): void {
    this.#requester.onActivity();
    if (!this.socket.isFull) this.#requester.onRoom();
  }

  /** It was reset while the client takes nothing of what it has sent before: the client has had its time to read then. */
  onFailing(): void {
    this.#failing ??= setTimeout(() => {
      const { isPartial } = this;
      this.onClose(true);
      if (isPartial) this.#requester.client.reset();
    }, LINGER);
  }

  onClose(isAborted: boolean): void {
    if (!isAborted || this.#isClosed) return;
    if (this.due.length === 0) this.#requester.onOver();
    else this.#fail('it was reset', { isStale: this.#hasAnswered });
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

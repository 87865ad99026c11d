import { copyBytes, freeBytes } from '../../lib/own-bytes.ts';
import { editHead } from '../../wire/http-edit.ts';
import { RequestReader } from '../../wire/http-request-reader.ts';
import { Refusal } from '../../wire/refusal.ts';
import { IdleTimer } from '../idle-timer.ts';
import { type Choose, chooseByRequest } from '../names/choose.ts';
import { timeUntil } from '../names/name-deadline.ts';
import { AnswerError, type Target } from '../target.ts';
import type { Connection, Holder } from '../tcp/connection.ts';
import type { Ending } from '../tcp/splice.ts';
import { type TcpSocket, type TcpSocketHandler, LINGER } from '../tcp/tcp-socket.ts';
import type { Upstream } from '../tcp/upstream.ts';
import { lastWords } from './last-words.ts';
import { type Requester, type Exchange, type Failure, HttpUpstream } from './upstream.ts';

/** How a client's requests are served. */
export interface Terms {
  /** Whether the client knows that it talks to a proxy. */
  readonly asProxy: boolean;
  readonly choose: Choose;
  /** Relays what CONNECT has opened, to the end of both sockets. */
  readonly tunnel: (connection: Connection, upstream: Upstream) => Promise<void>;
  /** A target that has been reached for this client already, or null. */
  readonly reached: Upstream | null;
  /** By when the first request must have a whole head, on performance.now()'s clock. */
  readonly deadline: number;
}

/** A request that waits: for the answers before it, for a slot or for its target. */
interface PendingRequest {
  readonly target: Target;
  readonly exchange: Exchange;
  /** In memory of its own. */
  readonly head: Buffer;
}

/** How many requests may be unanswered before no more are read. */
const MAX_DUE = 16;
/** What is read at a time beyond content that is known to come, in bytes. */
const HEAD_READ = 16 * 1024;
/** How long a head may take once it has begun, in ms. */
const HEAD_TIMEOUT = 5_000;
const NOTHING: Buffer = Buffer.alloc(0);
const CONNECTED = Buffer.from('HTTP/1.1 200 Connection Established\r\n\r\n');

/**
 * Relays a client that speaks HTTP/1, each request to the target that it names, until both sides are closed.
 *
 * Client, target, drain or a refusal may make an answer the last; from then on no request is begun, so a
 * client learns by the end which of its requests it may repeat (RFC 9112 §9.3.2). Where the target ends a
 * connection that has answered before, the client sees a FIN and no answer, a case that it knows. We repeat
 * nothing. What fails before any of its answer was passed on is answered for (`lastWords`), and after that
 * reset.
 */
export function relayHttp(connection: Connection, terms: Terms): Promise<void> {
  return new HttpClient(connection, terms).done;
}

class HttpClient implements TcpSocketHandler, Requester, Holder {
  readonly client: TcpSocket;
  readonly done: Promise<void>;
  readonly #resolve: () => void;
  readonly #reject: (cause: unknown) => void;
  readonly #connection: Connection;
  readonly #terms: Terms;
  readonly #requests: RequestReader;
  #upstream: HttpUpstream | null = null;
  #pending: PendingRequest | null = null;
  /** Whether the target of the request that waits is being reached. */
  #isReaching = false;
  /** How much of what has come was put back, in bytes. */
  #putBackLength = 0;
  /** Whether the head of the last request has been sent. */
  #isSent = false;
  /** The target of the last request, and what named it. */
  #target: Target | null = null;
  #authority: object | null = null;
  /** Why the client's last request is not served. */
  #refusal: Refusal | null = null;
  /** Whether no further head is read, and whether no further request is begun. */
  #isEnding = false;
  #isDraining = false;
  #hasEnded = false;
  /** Whether the sockets are somebody else's, or are being closed. */
  #isOver = false;
  #headTimer: NodeJS.Timeout | undefined;
  #idle: IdleTimer | null = null;
  #onWritten: (() => void) | null = null;
  #linger: NodeJS.Timeout | undefined;

  constructor(connection: Connection, terms: Terms) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#connection = connection;
    this.#terms = terms;
    this.#requests = new RequestReader(terms);
    this.client = connection.client;
    this.client.handler = this;
    this.client.readLimit = HEAD_READ;
    connection.holder = this;
    connection.awaitName();
    this.client.start();
    if (this.#target !== null || this.#isOver) return;
    clearTimeout(this.#headTimer);
    this.#headTimer = setTimeout(() => this.#tooSlow(), timeUntil(terms.deadline));
  }

  get isWithinRequest(): boolean {
    return this.#isSent && !this.#requests.isBetween;
  }

  onBytes(bytes: Buffer, length: number): void {
    this.onActivity();
    let at = 0;
    try {
      while (at < length && this.#mayRead) {
        if (this.#requests.isBetween) {
          at = this.#requests.readHead(bytes, at, length);
          if (this.#requests.hasHead) this.#takeHead();
        } else {
          const start = at;
          at = this.#requests.readContent(bytes, at, length);
          this.#upstream?.send(bytes, start, at);
        }
      }
    } catch (cause) {
      this.#refuse(cause);
    }
    if (this.#isOver) return;
    this.#putBackLength = length - at;
    if (at < length) this.client.putBack(copyBytes(bytes, at, length));
    this.#update();
  }

  /** Whether a head, or content, may be read now. */
  get #mayRead(): boolean {
    if (this.#isOver || this.#pending !== null || this.#refusal !== null || this.#onWritten !== null)
      return false;
    if (this.#upstream?.socket.isFull === true) return false;
    if (!this.#requests.isBetween) return true;
    const due = this.#upstream?.due ?? [];
    return !this.#isEnding && !this.#isDraining && due.length < MAX_DUE && due.at(-1)?.isBarrier !== true;
  }

  /** To be called after whatever may change what is read, or whether there is something to wait for. */
  #update(): void {
    if (this.#isOver) return;
    const { client } = this;
    if (this.#pending !== null && !this.#isReaching && !client.isFull && !this.#isDue)
      this.#open(this.#pending);
    const mayRead = this.#mayRead;
    client.readLimit = this.#requests.left + HEAD_READ;
    if (mayRead) client.resume();
    else client.pause();
    const isHeadDue = mayRead && this.#requests.begun > 0;
    if (isHeadDue) this.#headTimer ??= setTimeout(() => this.#tooSlow(), HEAD_TIMEOUT);
    const isBusy = !this.#isQuiet || this.#requests.begun > 0 || client.isFull;
    this.#connection.setIdle(!isBusy);
    this.#connection.hold((this.#pending?.head.length ?? 0) + this.#requests.begun + this.#putBackLength);
  }

  /** Whether nothing is asked for that has not been answered. */
  get #isQuiet(): boolean {
    return this.#requests.isBetween && this.#pending === null && !this.#isDue;
  }

  get #isDue(): boolean {
    return this.#upstream !== null && this.#upstream.due.length > 0;
  }

  #takeHead(): void {
    clearTimeout(this.#headTimer);
    this.#headTimer = undefined;
    this.#isSent = false;
    const { asProxy, reached } = this.#terms;
    const { method, hasContent, persists, upgrade, bytes, start, end } = this.#requests;
    const target = this.#choose();
    this.#requests.letGo();
    const isForProxy = asProxy && method === 'CONNECT';
    const edits = { isLast: hasContent, withoutUpgrade: upgrade === 'hidden', asProxy };
    const isEdited = !isForProxy && (asProxy || hasContent || edits.withoutUpgrade);
    const edited = isEdited
      ? Buffer.from(editHead(bytes.toString('latin1', start, end), edits), 'latin1')
      : null;
    // There is no second way to a target that was reached by a tunnel.
    const isLast = !persists || (hasContent && reached !== null);
    const asksForUpgrade = upgrade === 'asked';
    const isBarrier = asksForUpgrade || upgrade === 'void' || method === 'CONNECT';
    const exchange = { method, hasContent, isLast, asksForUpgrade, isBarrier };
    this.#isEnding = isLast;
    const upstream = this.#upstream;
    const goesOn = upstream !== null && !upstream.isSpent && isSame(upstream.upstream.target, target);
    if (goesOn && !isForProxy) {
      this.#isSent = true;
      if (edited === null) upstream.ask(exchange, bytes, start, end);
      else upstream.ask(exchange, edited, 0, edited.length);
      return;
    }
    this.#pending = {
      target,
      exchange,
      head: edited === null ? copyBytes(bytes, start, end) : copyBytes(edited),
    };
  }

  /** The same Host as before has not to be looked up again. */
  #choose(): Target {
    const { authority, method } = this.#requests;
    if (this.#target === null || this.#authority !== authority || method === 'CONNECT')
      this.#target = chooseByRequest(this.#requests, this.#terms);
    this.#authority = authority;
    return this.#target;
  }

  #open(request: PendingRequest): void {
    this.#isReaching = true;
    this.#reach(request).catch((cause: unknown) => this.#fail(cause));
  }

  async #reach({ target, exchange, head }: PendingRequest): Promise<void> {
    const connection = this.#connection;
    const { reached, asProxy } = this.#terms;
    this.#closeUpstream('finished');
    await connection.admit();
    this.#idle ??= new IdleTimer(connection.shared.idleTimeout, () => this.#onSilence());
    const upstream = reached?.target === target ? reached : await connection.dial(target);
    if (this.#isOver) return upstream.socket.reset();
    this.#pending = null;
    this.#isReaching = false;
    this.#upstream = new HttpUpstream(upstream, this);
    if (asProxy && exchange.method === 'CONNECT') {
      this.client.write(CONNECTED, 0, CONNECTED.length);
      this.onSwitch(exchange);
      return;
    }
    this.#isSent = true;
    this.#upstream.ask(exchange, head, 0, head.length);
    this.#upstream.start();
    this.#update();
  }

  onAnswered(): void {
    const upstream = this.#upstream as HttpUpstream;
    if (upstream.due.length > (this.#isBroken ? 1 : 0)) return this.#update();
    if (this.#refusal !== null) return this.#fail(this.#refusal);
    if (this.#isDraining) return this.#end('finished');
    if (this.#pending === null && this.#hasEnded) return this.#end('finished');
    this.#update();
  }

  /** A request behind it has no answer, not even that it is refused. */
  onLastAnswer(): void {
    if (this.#refusal !== null) this.#report(this.#refusal);
    this.#end('finished');
  }

  onUnreadable(): void {
    this.#isEnding = true;
  }

  onOver(): void {
    if (this.#pending === null) return this.#end('finished');
    // The next request has a connection of its own.
    this.#closeUpstream('finished');
    this.#update();
  }

  onSwitch({ method }: Exchange): void {
    const connection = this.#connection;
    const { upstream } = this.#upstream as HttpUpstream;
    this.#handOver(() =>
      method === 'CONNECT' ? this.#terms.tunnel(connection, upstream) : connection.spliceWith(upstream),
    );
  }

  onFailure({ reason, isPartial, isStale }: Failure): void {
    const { target } = (this.#upstream as HttpUpstream).upstream;
    if (isPartial) this.#cut('target aborted');
    // Without us, a client would see no more than that either.
    else if (isStale) this.#end('target aborted');
    else this.#fail(new AnswerError(target, new Error(reason)));
  }

  /** Gives both sockets away, as soon as all that was written is in the kernel. */
  #handOver(serve: () => Promise<void>): void {
    const upstream = this.#upstream as HttpUpstream;
    if (this.client.isFull || upstream.socket.isFull) {
      this.client.pause();
      upstream.socket.pause();
      this.#onWritten = () => this.#handOver(serve);
      return;
    }
    this.#stop();
    this.#idle?.stop();
    this.#connection.holder = null;
    this.client.release();
    upstream.release();
    serve().then(this.#resolve, this.#reject);
  }

  /** A dial is begun, or others take over, by promises. */
  get onlyMovesBytes(): boolean {
    return !this.#isReaching && !this.#isOver;
  }

  onActivity(): void {
    this.#idle?.touch();
  }

  /** Of either side. */
  onRoom(): void {
    this.onActivity();
    if (this.#isOver) return this.#lingerOnceWritten();
    const onWritten = this.#onWritten;
    this.#onWritten = null;
    if (onWritten !== null) return onWritten();
    if (!this.client.isFull) this.#upstream?.socket.resume();
    this.#update();
  }

  /** It is not passed on while answers are due: node:http and nginx as servers would give them up. */
  onFin(): void {
    this.#hasEnded = true;
    this.#isEnding = true;
    if (this.#isOver) return;
    if (this.isWithinRequest || this.#requests.begun > 0)
      return this.#refuse(new Refusal('malformed', 'it ended within a request'));
    if (this.#isQuiet) return this.#end('finished');
    this.#update();
  }

  /** It was reset, and nobody is left to answer. */
  onFailing(): void {
    this.client.reset();
  }

  onClose(): void {
    this.#leave(this.#isQuiet ? 'finished' : 'client aborted');
    this.#idle?.stop();
    clearTimeout(this.#linger);
    this.#connection.left();
    this.#resolve();
  }

  #refuse(cause: unknown): void {
    if (!(cause instanceof Refusal)) throw cause;
    // What is broken off is not passed on, and what comes before it is answered first.
    this.#refusal ??= cause;
    if ((this.#upstream?.due.length ?? 0) > (this.#isBroken ? 1 : 0)) this.#update();
    else this.#fail(cause);
  }

  /** Whether the last request has been sent in part, and cannot be sent to its end. */
  get #isBroken(): boolean {
    return this.#refusal !== null && this.isWithinRequest;
  }

  /** Ends a client whose request cannot be served, and says why unless part of an answer has been passed on. */
  #fail(cause: unknown): void {
    if (this.#isOver) return;
    const isRefused = cause instanceof Refusal;
    // Content may turn out malformed behind the whole answer to its request.
    const isAnswered = this.isWithinRequest && !this.#isDue;
    this.#report(cause);
    if (this.#upstream?.isPartial === true) this.#cut(isRefused ? 'cut off' : 'target aborted');
    else this.#end(isRefused ? 'finished' : 'target aborted', isAnswered ? NOTHING : lastWords(cause));
  }

  #report(cause: unknown): void {
    if (cause instanceof Refusal) this.#connection.reportRefusal(cause);
    else this.#connection.reportFailure(cause);
  }

  #tooSlow(): void {
    this.#headTimer = undefined;
    // What is not read for now is not late.
    if (this.#mayRead) this.#refuse(new Refusal('silent', `no whole request head within ${HEAD_TIMEOUT} ms`));
  }

  #onSilence(): void {
    if (this.#isOver) this.client.reset();
    else if (this.#isQuiet) this.#end('idle');
    else if (this.#pending === null) this.#cut('idle');
  }

  drain(): void {
    this.#isDraining = true;
    if (this.#isQuiet) this.#end('finished');
    else this.#update();
  }

  /**
   * Sends last words and a FIN. What the client still sends is dropped until it ends as well, for a while: a socket that is closed with something
   * unread is reset (RFC 2525 §2.17).
   */
  #end(ending: Ending, words: Buffer = NOTHING): void {
    const { client } = this;
    this.#leave(ending);
    client.write(words, 0, words.length);
    client.sendFin();
    client.readLimit = Infinity;
    client.resume();
    this.#lingerOnceWritten();
  }

  yield(): void {
    this.#end('idle');
  }

  /** Resets both sides. */
  cut(): void {
    this.#leave('cut off');
    this.client.reset();
  }

  /** Resets both sides, the client when it has been sent what there was, and the target at once. */
  #cut(ending: Ending): void {
    this.#leave(ending);
    this.client.resetAfterAll();
    if (this.client.isOpen) this.#linger ??= setTimeout(() => this.client.reset(), LINGER);
  }

  #lingerOnceWritten(): void {
    const { client } = this;
    if (client.isOpen && !client.isFull) this.#linger ??= setTimeout(() => client.close(), LINGER);
  }

  /** Nothing is relayed any more, and nothing waited for. */
  #leave(ending: Ending): void {
    this.#stop();
    this.#closeUpstream(ending);
  }

  #stop(): void {
    this.#isOver = true;
    clearTimeout(this.#headTimer);
    this.#requests.free();
    if (this.#pending !== null) freeBytes(this.#pending.head);
    this.#connection.setIdle(false);
  }

  #closeUpstream(ending: Ending): void {
    const upstream = this.#upstream;
    if (upstream === null) return;
    this.#upstream = null;
    upstream.close();
    this.#connection.report(upstream.upstream, ending);
  }
}

/** Whether both lead to the same target. */
function isSame(one: Target, other: Target): boolean {
  return one.host === other.host && one.port === other.port;
}

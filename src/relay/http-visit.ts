import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { Refusal } from '../wire/refusal.ts';
import type { Choose } from './choose.ts';
import type { Connection } from './connection.ts';
import { hangUp } from './hang-up.ts';
import { exchange, passAnswer } from './http-exchange.ts';
import { lastWords } from './http-last-words.ts';
import { type HttpLine, StaleLineError } from './http-line.ts';
import { leaveParser } from './http-parser.ts';
import { HttpRoute } from './http-route.ts';
import { askToSwitch, rawHead, responseOn } from './http-switch.ts';
import { HttpTurns } from './http-turns.ts';
import { logRefusal } from './log-refusal.ts';
import type { Ending } from './splice.ts';
import { AnswerError } from './target.ts';
import type { Upstream } from './upstream.ts';

/** How a client's requests are taken. */
export interface Terms {
  /** Whether the client knows that it talks to a proxy. */
  readonly asProxy: boolean;
  readonly choose: Choose;
  /** Relays what CONNECT has opened, to the end of both sockets. */
  readonly tunnel: (connection: Connection, upstream: Upstream) => Promise<void>;
  /** A target that has been reached for this client already, or null. */
  readonly reached: Upstream | null;
}

const KEEP_ALIVE = ['Connection', 'keep-alive'];

/** One client that speaks HTTP/1: its requests, one after the other, each to the target that it names. */
export class HttpVisit {
  readonly #connection: Connection;
  readonly #terms: Terms;
  readonly #turns: HttpTurns;
  readonly #route: HttpRoute;
  #newest: IncomingMessage | null = null;
  /** The one whose turn has come last, and what its answer goes through. */
  #current: IncomingMessage | null = null;
  #answer: ServerResponse | null = null;
  /** Why what has come last cannot be read to its end. */
  #spoilt: Refusal | null = null;
  /** Whether the client's socket is somebody else's: it has been said goodbye to, or another protocol's. */
  #isOver = false;

  constructor(connection: Connection, terms: Terms) {
    this.#connection = connection;
    this.#terms = terms;
    this.#turns = new HttpTurns(connection.client, {
      onFailure: (cause) => this.#fail(cause),
      onEnd: () => this.#sayGoodbye('', 'finished'),
    });
    this.#route = new HttpRoute(connection, { ...terms, onOver: () => this.#turns.end() });
    connection.onDrain = () => this.#turns.end();
    connection.client.on('timeout', () => this.#idle());
  }

  get hasAsked(): boolean {
    return this.#newest !== null;
  }

  /** Resolves when both ends are closed. */
  async end(): Promise<void> {
    const { client, gone } = this.#connection;
    if (!gone.aborted) await once(gone, 'abort');
    const early = client.errored === null ? 'cut off' : 'client aborted';
    this.#close(this.#turns.isIdle ? 'finished' : early);
    await this.#turns.settled();
  }

  /** Takes a request whose answer goes through node:http. */
  request(request: IncomingMessage, response: ServerResponse): void {
    this.#take(request, async () => {
      this.#answer = response;
      const { line, outgoing } = await this.#route.of(request, KEEP_ALIVE);
      const { asProxy } = this.#terms;
      await exchange(request, response, { line, outgoing, asProxy, isLast: () => this.#turns.isEnding });
      // The target has said all it had to say, but the client has not: nobody listens to the rest.
      if (line.isBusy) this.#turns.end();
    });
  }

  /** Takes a request to go on in another protocol (RFC 9110 §7.8). */
  upgrade(request: IncomingMessage, head: Buffer): void {
    this.#takeAlone(request, async () => {
      const { client } = this.#connection;
      const hop = ['Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? ''];
      const { line, outgoing } = await this.#route.of(request, hop);
      const { answer, rest } = await askToSwitch(line, outgoing);
      if (answer.statusCode === 101) {
        client.write(rawHead(answer));
        client.unshift(head);
        line.upstream.socket.unshift(rest);
        await this.#handOver(line, () => this.#connection.splice(line.upstream));
        return;
      }
      this.#turns.end();
      this.#answer = responseOn(client, request);
      const { asProxy } = this.#terms;
      await passAnswer(answer, this.#answer, { line, asProxy, isLast: true });
    });
  }

  /** Takes a request for a tunnel (RFC 9110 §9.3.6). */
  connect(request: IncomingMessage, head: Buffer): void {
    this.#takeAlone(request, async () => {
      const { client } = this.#connection;
      const { line, outgoing } = await this.#route.of(request, KEEP_ALIVE);
      if (this.#terms.asProxy) {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      } else {
        const { answer, rest } = await askToSwitch(line, outgoing);
        const { statusCode = 0 } = answer;
        if (statusCode < 200 || statusCode > 299)
          throw new AnswerError(line.upstream.target, new Error(`it answers CONNECT with ${statusCode}`));
        client.write(rawHead(answer));
        line.upstream.socket.unshift(rest);
      }
      client.unshift(head);
      await this.#handOver(line, () => this.#terms.tunnel(this.#connection, line.upstream));
    });
  }

  /** To be told of what node:http cannot read, or has waited for too long. */
  refuse(refusal: Refusal): void {
    // Behind what cannot be read nothing can be; and what is not read for now is not late.
    if (this.#spoilt !== null || (refusal.rule === 'silent' && this.#turns.isHeld)) return;
    this.#spoilt = refusal;
    leaveParser(this.#connection.client);
    if (this.#newest?.complete !== false) this.#take(null, () => Promise.reject(refusal));
    else if (this.#newest === this.#current) this.#fail(refusal);
  }

  /**
   * With a request for another protocol node:http lets go of the client at once, and an answer before that would no longer be told when to
   * write on.
   */
  #takeAlone(request: IncomingMessage, serve: () => Promise<void>): void {
    if (this.#turns.isIdle) return this.#take(request, serve);
    const reason = 'it asks for another protocol before it has been answered';
    return this.#fail(new Refusal('unsupported', reason), null);
  }

  /** null for what is no request. */
  #take(request: IncomingMessage | null, serve: () => Promise<void>): void {
    this.#newest = request ?? this.#newest;
    this.#turns.take(async () => {
      this.#current = request;
      this.#answer = null;
      if (this.#spoilt !== null && request?.complete === false) throw this.#spoilt;
      await serve();
    });
  }

  /** From now on both sockets are another's. */
  async #handOver(line: HttpLine, serve: () => Promise<void>): Promise<void> {
    this.#route.release(line);
    this.#isOver = true;
    await serve().catch(() => this.#connection.cut());
  }

  #idle(): void {
    if (this.#isOver) return;
    if (this.#turns.isIdle) this.#sayGoodbye('', 'idle');
    else this.#cut('idle');
  }

  #fail(cause: unknown, words = this.#answer?.headersSent === true ? null : lastWords(cause)): void {
    const { from, gone, shared } = this.#connection;
    if (gone.aborted || this.#isOver) return;
    const isRefused = cause instanceof Refusal;
    if (isRefused) {
      shared.counters.refused(cause.rule);
      logRefusal(shared.log, from, cause);
    } else if (!(cause instanceof StaleLineError)) this.#connection.reportFailure(cause);
    if (words === null) this.#cut(isRefused ? 'cut off' : 'target aborted');
    else this.#sayGoodbye(words, isRefused ? 'finished' : 'target aborted');
  }

  #sayGoodbye(words: string, ending: Ending): void {
    if (this.#isOver) return;
    const { client } = this.#connection;
    this.#close(ending);
    leaveParser(client);
    hangUp(client, words);
  }

  #cut(ending: Ending): void {
    this.#close(ending);
    this.#connection.cut();
  }

  /** No request is begun any more, and nothing is said. */
  #close(ending: Ending): void {
    this.#isOver = true;
    this.#turns.end();
    this.#route.hangUp(ending);
  }
}

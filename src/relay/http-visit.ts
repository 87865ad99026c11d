import { once } from 'node:events';
import { Agent, type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { messageOf } from '../message-of.ts';
import { httpAnswer } from '../wire/http-answer.ts';
import { readRequest } from '../wire/http-request.ts';
import { Refusal, type Rule } from '../wire/refusal.ts';
import type { Choose } from './choose.ts';
import type { Connection, Upstream } from './connection.ts';
import { KEEP_ALIVE_DELAY } from './dial-tcp.ts';
import { hangUp } from './hang-up.ts';
import { exchange, passAnswer, startRequest, type Way } from './http-exchange.ts';
import { logRefusal } from './log-refusal.ts';
import { outliveWrites } from './outlive-writes.ts';
import { reset } from './reset.ts';
import type { Ending } from './splice.ts';
import { AnswerError, DialError, type Target } from './target.ts';

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

/** A target's connection, for this client alone and for one request at a time. */
interface Line extends Upstream {
  readonly agent: Agent;
  /** Between answers, the target's end is the whole line's. */
  readonly onEnd: () => void;
  hasServed: boolean;
}

const VIA = '1.1 sallyport';

const STATUS: Readonly<Record<Rule, number>> = {
  'not in TARGET': 403,
  'not in PORT': 403,
  'not the CONNECT host': 403,
  'no proxy request': 403,
  'encrypted name': 403,
  'no name': 400,
  'several names': 400,
  malformed: 400,
  'neither TLS nor HTTP': 400,
  silent: 408,
  'too long': 431,
  unsupported: 501,
  'HTTP/2': 505,
};

/** One client that speaks HTTP/1: its requests, one after the other, each to the target that it names. */
export class HttpVisit {
  readonly #connection: Connection;
  readonly #terms: Terms;
  #line: Line | null = null;
  #turn: Promise<void> = Promise.resolve();
  /** Requests that have come and are not answered. */
  #pending = 0;
  #newest: IncomingMessage | null = null;
  /** The one whose turn has come last. */
  #current: IncomingMessage | null = null;
  /** Why the newest cannot be read to its end, when its turn had not come yet. */
  #spoilt: Refusal | null = null;
  /** Whether the connection ends when nothing is pending. */
  #isLast = false;
  /** Whether no more requests are taken. */
  #isOver = false;
  #ending: Ending = 'finished';

  constructor(connection: Connection, terms: Terms) {
    this.#connection = connection;
    this.#terms = terms;
    connection.onDrain = () => this.#endSoon();
  }

  get hasAsked(): boolean {
    return this.#newest !== null;
  }

  /** Resolves when both ends are closed. */
  async end(): Promise<void> {
    const { gone } = this.#connection;
    if (!gone.aborted) await once(gone, 'abort');
    const { errored } = this.#connection.client;
    if (this.#pending > 0 && this.#ending === 'finished')
      this.#ending = errored === null ? 'cut off' : 'client aborted';
    this.#hangUpLine(this.#ending);
    if (this.#isOver) await this.#turn;
  }

  /** Takes a request whose answer goes through node:http. */
  request(request: IncomingMessage, response: ServerResponse): void {
    this.#take(request, async () => {
      const { line, ...way } = await this.#wayTo(request);
      try {
        await exchange(request, response, way);
        line.hasServed = true;
      } catch (cause) {
        throw response.headersSent || line.hasServed ? cause : new AnswerError(line.target, cause);
      }
      // The target has said all it had to say, but the client has not: nobody listens to the rest.
      if (!request.complete) this.#endSoon();
    });
  }

  /** Takes a request to go on in another protocol (RFC 9110 §7.8). */
  upgrade(request: IncomingMessage, head: Buffer): void {
    this.#take(request, async () => {
      const { client } = this.#connection;
      const { line, ...way } = await this.#wayTo(request);
      const fields = ['Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? ''];
      const { answer, rest } = await this.#ask(line, startRequest(request, way, fields));
      if (answer.statusCode === 101) {
        client.write(rawHead(answer));
        client.unshift(head);
        line.socket.unshift(rest);
        await this.#handOver(line, this.#connection.splice(line));
      } else {
        const response = new ServerResponse(request);
        response.assignSocket(client);
        this.#isLast = true;
        await passAnswer(answer, response, { ...way, isLast: true });
      }
    });
  }

  /** Takes a request for a tunnel (RFC 9110 §9.3.6). */
  connect(request: IncomingMessage, head: Buffer): void {
    this.#take(request, async () => {
      const { client } = this.#connection;
      const { line, ...way } = await this.#wayTo(request);
      if (this.#terms.asProxy) {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      } else {
        const { answer, rest } = await this.#ask(line, startRequest(request, way));
        const { statusCode = 0 } = answer;
        if (statusCode < 200 || statusCode > 299)
          throw new AnswerError(line.target, new Error(`it answers CONNECT with ${statusCode}`));
        client.write(rawHead(answer));
        line.socket.unshift(rest);
      }
      client.unshift(head);
      await this.#handOver(line, this.#terms.tunnel(this.#connection, line));
    });
  }

  /** To be told of what node:http cannot read, or has waited for too long. */
  refuse(refusal: Refusal): void {
    const isWithinRequest = this.#newest?.complete === false;
    if (!isWithinRequest) this.#turn = this.#turn.then(() => this.#fail(refusal));
    else if (this.#newest !== this.#current) this.#spoilt = refusal;
    else if (!this.#isOver) {
      logRefusal(this.#connection.shared.log, this.#connection.from, refusal);
      this.#connection.cut();
    }
  }

  #take(request: IncomingMessage, serve: () => Promise<void>): void {
    this.#newest = request;
    this.#pending++;
    this.#turn = this.#turn
      .then(() => {
        this.#current = request;
        if (this.#isOver) return void request.resume();
        if (this.#spoilt !== null && request === this.#newest) throw this.#spoilt;
        return serve();
      })
      .catch((cause: unknown) => this.#fail(cause))
      .finally(() => {
        this.#pending--;
        this.#rest();
      });
  }

  async #wayTo(request: IncomingMessage): Promise<Way & { readonly line: Line }> {
    const { asProxy, choose } = this.#terms;
    const asked = readRequest(request, { asProxy });
    const target = choose(asked.name, asked.port);
    await this.#connection.admit();
    const line = await this.#reach(target);
    return { line, agent: line.agent, asked, via: asProxy ? VIA : null, isLast: () => this.#isLast };
  }

  async #reach(target: Target): Promise<Line> {
    const current = this.#line;
    if (current?.target.host === target.host && current.target.port === target.port) return current;
    this.#hangUpLine('finished');

    const { reached } = this.#terms;
    const upstream = reached?.target === target ? reached : await this.#connection.dial(target);
    const { socket } = upstream;
    const onEnd = () => void socket.end();
    const line = { ...upstream, agent: agentOf(socket), hasServed: false, onEnd };
    outliveWrites(socket);
    socket.once('end', line.onEnd);
    socket.once('close', () => {
      if (this.#line === line) this.#endSoon();
    });
    this.#line = line;
    return line;
  }

  /** Sends a request that may change the protocol; what has come behind the answer is `rest`. */
  async #ask(
    line: Line,
    request: ReturnType<typeof startRequest>,
  ): Promise<{ readonly answer: IncomingMessage; readonly rest: Buffer }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ answer: IncomingMessage; rest: Buffer }>();
    const onSwitch = (answer: IncomingMessage, _socket: unknown, rest: Buffer) => resolve({ answer, rest });
    request.on('upgrade', onSwitch).on('connect', onSwitch);
    request.on('response', (answer) => resolve({ answer, rest: Buffer.alloc(0) }));
    request.on('error', (cause) => reject(new AnswerError(line.target, cause)));
    request.end();
    return promise;
  }

  /** From now on both sockets are another's. */
  async #handOver(line: Line, served: Promise<void>): Promise<void> {
    line.socket.off('end', line.onEnd);
    if (this.#line === line) this.#line = null;
    this.#isOver = true;
    try {
      await served;
    } catch {
      this.#connection.cut();
    }
  }

  /** Ends the connection as soon as nothing is pending. */
  #endSoon(): void {
    this.#isLast = true;
    this.#rest();
  }

  #rest(): void {
    if (this.#isLast && this.#pending === 0) this.#sayGoodbye('');
  }

  #fail(cause: unknown): void {
    const { from, gone, shared } = this.#connection;
    if (gone.aborted || this.#isOver) return;
    if (cause instanceof Refusal) {
      logRefusal(shared.log, from, cause);
      const status = STATUS[cause.rule];
      const error = status === 403 ? 'http_request_denied' : 'http_request_error';
      this.#sayGoodbye(httpAnswer({ status, text: cause.message, error }));
      return;
    }
    shared.log.warn({ client: from, err: cause }, 'connection refused');
    if (cause instanceof DialError || cause instanceof AnswerError) {
      const error = cause instanceof DialError ? 'destination_unavailable' : 'http_response_incomplete';
      this.#sayGoodbye(httpAnswer({ status: 502, text: messageOf(cause), error }));
    } else {
      this.#ending = 'target aborted';
      this.#connection.cut();
    }
  }

  #sayGoodbye(lastWords: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#hangUpLine(this.#ending);
    hangUp(this.#connection.client, lastWords);
  }

  #hangUpLine(ending: Ending): void {
    const line = this.#line;
    this.#line = null;
    if (line === null) return;
    if (ending === 'finished') line.socket.destroy();
    else reset(line.socket);
    this.#connection.report(line, ending);
  }
}

/** An agent that knows one socket, and no other way. */
function agentOf(socket: Socket): Agent {
  const agent = new Agent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_DELAY, maxSockets: 1 });
  const sockets = [socket];
  agent.createConnection = () => {
    const next = sockets.pop();
    if (next === undefined) throw new Error('it has closed the connection');
    return next;
  };
  return agent;
}

/** The head of an answer as it came. */
function rawHead({ httpVersion, statusCode = 0, statusMessage = '', rawHeaders }: IncomingMessage): string {
  const fields = rawHeaders.flatMap((value, i) =>
    i % 2 === 1 ? [`${rawHeaders[i - 1]}: ${value}\r\n`] : [],
  );
  return `HTTP/${httpVersion} ${statusCode} ${statusMessage}\r\n${fields.join('')}\r\n`;
}

import { type ClientRequest, request as send } from 'node:http';
import type { Socket } from 'node:net';

import { MAX_HEAD_SIZE } from './http-parser.ts';
import { outliveWrites } from './outlive-writes.ts';
import { reset } from './reset.ts';
import { AnswerError, type Target } from './target.ts';
import type { Upstream } from './upstream.ts';

/** A request as it is sent on. */
export interface Outgoing {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn, Connection among them. */
  readonly fields: readonly string[];
}

/** The target has ended a connection on which it has answered before: without us, its client would see just that. */
export class StaleLineError extends Error {
  constructor(cause: unknown) {
    super('the target has ended the connection', { cause });
    this.name = 'StaleLineError';
  }
}

/** A target's connection, for one client alone and for one request at a time. */
export class HttpLine {
  readonly upstream: Upstream;
  /** Whether it has answered a request. */
  hasServed = false;
  /** Whether a request is under way, or an answer to one that the target may not have whole. */
  isBusy = false;
  readonly #socket: Socket;
  readonly #onOver: () => void;
  readonly #onEnd: () => void;

  /** `onOver` is called when it takes no more requests. */
  constructor(upstream: Upstream, onOver: () => void) {
    const { socket } = upstream;
    this.upstream = upstream;
    this.#socket = socket;
    this.#onOver = onOver;
    this.#onEnd = () => {
      socket.end();
      onOver();
    };
    outliveWrites(socket);
    socket.once('end', this.#onEnd).once('close', onOver);
  }

  leadsTo({ host, port }: Target): boolean {
    const { target } = this.upstream;
    return target.host === host && target.port === port;
  }

  /** Begins a request. Throws when the target has ended the connection. */
  begin({ method, path, fields }: Outgoing): ClientRequest {
    const socket = this.#socket;
    if (socket.destroyed || socket.readableEnded)
      throw this.failure(new Error('it has ended the connection'));
    this.isBusy = true;
    const request = send({
      method,
      path,
      headers: fields,
      maxHeaderSize: MAX_HEAD_SIZE,
      createConnection: () => socket,
    });
    request.shouldKeepAlive = true; // without an agent, node:http takes each request for the last
    return request;
  }

  /** Counts what it has moved. */
  count(): void {
    this.upstream.meter.catchUp(this.#socket);
  }

  /** What it means that there is no answer. */
  failure(cause: unknown): Error {
    return this.hasServed ? new StaleLineError(cause) : new AnswerError(this.upstream.target, cause);
  }

  /** From now on its socket is another's. */
  release(): void {
    this.#socket.off('end', this.#onEnd).off('close', this.#onOver);
  }

  /** Ends it; with a reset where something is under way, so that it does not look complete. */
  hangUp(): void {
    this.release();
    if (this.isBusy) reset(this.#socket);
    else this.#socket.destroy();
  }
}

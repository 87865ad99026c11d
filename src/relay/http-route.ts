import type { IncomingMessage } from 'node:http';

import { forwardedFields } from '../wire/http-forward.ts';
import { type Choose, chooseByRequest } from './choose.ts';
import type { Connection } from './connection.ts';
import { HttpLine, type Outgoing } from './http-line.ts';
import type { Ending } from './splice.ts';
import type { Target } from './target.ts';
import type { Upstream } from './upstream.ts';

interface Options {
  /** Whether the client knows that it talks to a proxy. */
  readonly asProxy: boolean;
  readonly choose: Choose;
  /** A target that has been reached for this client already, or null. */
  readonly reached: Upstream | null;
  /** Called when the target ends the connection. */
  readonly onOver: () => void;
}

/** How a request goes on. */
interface Way {
  readonly line: HttpLine;
  readonly outgoing: Outgoing;
}

/** A client's way to its targets: one line at a time. */
export class HttpRoute {
  readonly #connection: Connection;
  readonly #options: Options;
  #line: HttpLine | null = null;

  constructor(connection: Connection, options: Options) {
    this.#connection = connection;
    this.#options = options;
  }

  /**
   * The way to the target that a request names, with fields for that hop alone; a line to another target is left for it. Rejects with a
   * Refusal or a DialError, or when the client is gone.
   */
  async of(request: IncomingMessage, hop: readonly string[]): Promise<Way> {
    const { client, shared } = this.#connection;
    const { asProxy } = this.#options;
    const { target, asked } = chooseByRequest(request, this.#options);
    const { method = 'GET' } = request;
    const outgoing = { method, path: asked.path, fields: forwardedFields(request, { asked, asProxy, hop }) };
    await this.#connection.admit();
    client.setTimeout(shared.idleTimeout); // who waits for a slot does not idle
    return { line: await this.#lineTo(target), outgoing };
  }

  /** Gives a line's socket to another, who ends it. */
  release(line: HttpLine): void {
    line.release();
    if (this.#line === line) this.#line = null;
  }

  /** Ends the line, if there is one, and says how it came to that. */
  hangUp(ending: Ending): void {
    const line = this.#line;
    this.#line = null;
    if (line === null) return;
    line.hangUp();
    line.count();
    this.#connection.report(line.upstream, ending);
  }

  async #lineTo(target: Target): Promise<HttpLine> {
    if (this.#line?.leadsTo(target) === true) return this.#line;
    this.hangUp('finished');

    const { reached, onOver } = this.#options;
    const { gone } = this.#connection;
    const upstream = reached?.target === target ? reached : await this.#connection.dial(target);
    if (gone.aborted) {
      upstream.reset();
      throw gone.reason;
    }
    this.#line = new HttpLine(upstream, onOver);
    return this.#line;
  }
}

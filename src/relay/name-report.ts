import { RequestReader } from '../wire/http-request-reader.ts';
import { OpeningReader } from '../wire/opening.ts';
import { Refusal } from '../wire/refusal.ts';
import { chooseByHello, chooseByRequest, type NameRules } from './choose.ts';
import type { Connection } from './connection.ts';
import { logRefusal } from './log-refusal.ts';
import { NAME_TIMEOUT } from './read-first.ts';
import type { Observer } from './splice.ts';

/**
 * Logs what a check would refuse of a connection that is relayed unchecked: of TLS the hello, of HTTP each request up to one that may change the
 * protocol. What it cannot read it says once, and looks no further.
 */
export class NameReport implements Observer {
  readonly #connection: Connection;
  readonly #rules: NameRules;
  readonly #timer: NodeJS.Timeout;
  readonly #opening = new OpeningReader();
  readonly #requests = new RequestReader({ asProxy: false });
  /** What has come before it was clear what is spoken. */
  #start = Buffer.alloc(0);
  #isHttp = false;
  #isOver = false;

  constructor(connection: Connection, rules: NameRules) {
    this.#connection = connection;
    this.#rules = rules;
    this.#timer = setTimeout(
      () => this.#end(new Refusal('silent', `no name within ${NAME_TIMEOUT} ms`)),
      NAME_TIMEOUT,
    );
  }

  onSent(bytes: Buffer, length: number): void {
    if (this.#isOver) return;
    try {
      if (this.#isHttp) this.#readRequests(bytes, length);
      else this.#readOpening(Buffer.copyBytesFrom(bytes, 0, length));
    } catch (cause) {
      this.#end(cause);
    }
  }

  #readOpening(chunk: Buffer): void {
    this.#start = Buffer.concat([this.#start, chunk]);
    const opening = this.#opening.push(chunk);
    if (opening === null) return;
    const start = this.#start;
    this.#start = Buffer.alloc(0);
    if (opening.protocol === 'tls') {
      chooseByHello(opening.hello, this.#rules);
      this.#end();
    } else {
      this.#isHttp = true;
      this.#readRequests(start, start.length);
    }
  }

  #readRequests(bytes: Buffer, length: number): void {
    const requests = this.#requests;
    for (let at = 0; at < length && !this.#isOver;) {
      const isHead = requests.isBetween;
      at = isHead ? requests.readHead(bytes, at, length) : requests.readContent(bytes, at, length);
      if (isHead && requests.hasHead) this.#judge();
    }
  }

  #judge(): void {
    const { method, upgrade } = this.#requests;
    clearTimeout(this.#timer);
    try {
      chooseByRequest(this.#requests, { choose: this.#rules.choose, asProxy: false });
    } catch (cause) {
      this.#report(cause);
    }
    if (upgrade === 'asked' || method === 'CONNECT') this.#end();
  }

  onEnd(): void {
    const seen = this.#start.length;
    if (this.#isOver || (seen === 0 && this.#requests.begun === 0)) this.#end();
    else this.#end(new Refusal('no name', 'it ended too early, without a name'));
  }

  /** Looks no further, and says why. */
  #end(cause: unknown = null): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    if (cause !== null) this.#report(cause);
  }

  #report(cause: unknown): void {
    if (!(cause instanceof Refusal)) throw cause;
    logRefusal(this.#connection.shared.log, this.#connection.from, cause, 'would refuse');
  }
}

import { GrowingBytes } from '../../wire/growing-bytes.ts';
import { RequestReader } from '../../wire/http-request-reader.ts';
import { OpeningReader } from '../../wire/opening.ts';
import { SSL_REQUEST } from '../../wire/postgres.ts';
import { Refusal } from '../../wire/refusal.ts';
import { logRefusal } from '../log-refusal.ts';
import { chooseByHello, chooseByRequest, type NameRules } from '../names/choose.ts';
import { NAME_TIMEOUT } from '../names/name-deadline.ts';
import type { Connection } from '../tcp/connection.ts';
import type { Observer } from '../tcp/splice.ts';

/**
 * Logs what a check would refuse of a connection that is relayed unchecked: of TLS the hello, of HTTP each request up to one that may change the
 * protocol. What it cannot read it says once, and looks no further.
 */
export class NameReport implements Observer {
  readonly #connection: Connection;
  readonly #rules: NameRules;
  readonly #timer: NodeJS.Timeout;
  #opening = new OpeningReader();
  readonly #requests = new RequestReader({ asProxy: false });
  /** What has come before it was clear what is spoken. */
  readonly #start = new GrowingBytes();
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
      else this.#readOpening(bytes, length);
    } catch (cause) {
      this.#end(cause);
    }
  }

  #readOpening(bytes: Buffer, length: number): void {
    this.#start.add(bytes, 0, length);
    const opening = this.#opening.push(bytes.subarray(0, length));
    if (opening === null) return;
    if (opening.protocol === 'postgres') {
      // Its ClientHello follows, or its session without TLS.
      const behind = this.#start.take().subarray(SSL_REQUEST.length);
      this.#opening = new OpeningReader();
      if (behind.length > 0) this.#readOpening(behind, behind.length);
    } else if (opening.protocol === 'tls') {
      chooseByHello(opening.hello, this.#rules);
      this.#end();
    } else {
      this.#isHttp = true;
      this.#readRequests(this.#start.bytes, this.#start.length);
      this.#start.free();
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
    if (this.#isOver || (this.#start.length === 0 && this.#requests.begun === 0)) this.#end();
    else this.#end(new Refusal('no name', 'it ended too early, without a name'));
  }

  /** Looks no further, and says why. */
  #end(cause: unknown = null): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#opening.free();
    this.#start.free();
    this.#requests.free();
    if (cause !== null) this.#report(cause);
  }

  #report(cause: unknown): void {
    if (!(cause instanceof Refusal)) throw cause;
    logRefusal(this.#connection.shared.log, this.#connection.from, cause, 'would refuse');
  }
}

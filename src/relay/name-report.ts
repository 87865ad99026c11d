import { AnswerReader } from '../wire/http-answer-reader.ts';
import { RequestReader } from '../wire/http-request-reader.ts';
import { type Opening, OpeningReader } from '../wire/opening.ts';
import { Refusal } from '../wire/refusal.ts';
import { chooseByHello, chooseByRequest, chooseOnly, type NameRules } from './choose.ts';
import type { Connection } from './connection.ts';
import { logRefusal } from './log-refusal.ts';
import { NAME_TIMEOUT } from './read-first.ts';
import type { Observer } from './splice.ts';

/** A request whose answer is due. */
interface Due {
  readonly method: string;
  /** Whether what comes behind it may be no request. */
  readonly maySwitch: boolean;
}

/** How many answers may be due before requests are followed no further. */
const MAX_DUE = 64;

/** Logs what a check would refuse of a connection that is relayed unchecked. What it cannot read it says once, and looks no further. */
export class NameReport implements Observer {
  readonly #connection: Connection;
  #rules: NameRules;
  #opening = new OpeningReader();
  /** What has come before it was clear what is spoken. */
  #start = Buffer.alloc(0);
  #requests: RequestReader | null = null;
  #answers = new AnswerReader();
  readonly #due: Due[] = [];
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection, rules: NameRules) {
    this.#connection = connection;
    this.#rules = rules;
    this.#timer = setTimeout(() => this.#onSilence(), NAME_TIMEOUT);
  }

  onSent(bytes: Buffer, length: number): void {
    if (!this.#isOver) this.#attempt(() => this.#read(bytes, length));
  }

  #read(bytes: Buffer, length: number): void {
    if (this.#requests !== null) return this.#readRequests(this.#requests, bytes, length);
    const chunk = Buffer.copyBytesFrom(bytes, 0, length);
    this.#start = Buffer.concat([this.#start, chunk]);
    const opening = this.#opening.push(chunk);
    if (opening !== null) this.#begin(opening);
  }

  #begin(opening: Opening): void {
    if (opening.protocol === 'tls') {
      this.#end();
      chooseByHello(opening.hello, this.#rules);
    } else {
      this.#requests = new RequestReader({ asProxy: false });
      this.#readRequests(this.#requests, this.#start, this.#start.length);
    }
    this.#start = Buffer.alloc(0);
  }

  #readRequests(requests: RequestReader, bytes: Buffer, length: number): void {
    for (let at = 0; at < length && !this.#isOver;) {
      if (!requests.isBetween) {
        at = requests.readContent(bytes, at, length);
        continue;
      }
      if (this.#due.at(-1)?.maySwitch === true || this.#due.length >= MAX_DUE)
        throw new Refusal('unsupported', 'it does not wait for its answers');
      at = requests.readHead(bytes, at, length);
      if (requests.hasHead) this.#takeHead(requests);
    }
  }

  #takeHead(requests: RequestReader): void {
    clearTimeout(this.#timer);
    const { method, upgrade } = requests;
    this.#due.push({ method, maySwitch: upgrade !== 'none' || method === 'CONNECT' });
    try {
      chooseByRequest(requests, { choose: this.#rules.choose, asProxy: false });
    } catch (cause) {
      this.#report(cause);
    }
  }

  onReceived(bytes: Buffer, length: number): void {
    if (this.#isOver || this.#requests === null) return;
    const answers = this.#answers;
    for (let at = 0; at < length && !this.#isOver;) {
      const [due] = this.#due;
      if (due === undefined) return;
      if (!answers.isBetween) {
        at = answers.readContent(bytes, at, length);
      } else {
        answers.method = due.method;
        at = answers.readHead(bytes, at, length);
        if (!answers.hasHead) return;
        if (this.#hasSwitched(due)) return;
        if (answers.status > 0 && answers.status < 200) continue;
      }
      if (answers.isBetween) this.#due.shift();
    }
  }

  /** Whether an answer ends the talk in HTTP; within a tunnel that CONNECT has opened all begins anew. */
  #hasSwitched({ method }: Due): boolean {
    const { status } = this.#answers;
    if (status === 101) this.#end();
    if (method !== 'CONNECT' || status < 200 || status > 299) return status === 101;
    const { choose, refuseEch } = this.#rules;
    const { name, port } = (this.#requests as RequestReader).authority;
    this.#attempt(() => {
      this.#rules = { choose: chooseOnly(choose(name, port), choose), refuseEch };
    });
    this.#opening = new OpeningReader();
    this.#requests = null;
    this.#due.length = 0;
    return true;
  }

  onEnd(): void {
    const seen = this.#start.length;
    if (!this.#isOver && seen > 0)
      this.#report(new Refusal('no name', `it ended after ${seen} bytes, without a name`));
    if (!this.#isOver && this.#requests?.hasBegun === true)
      this.#report(new Refusal('malformed', 'it ended within a request'));
    this.#end();
  }

  #onSilence(): void {
    this.#report(new Refusal('silent', `no name within ${NAME_TIMEOUT} ms`));
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #attempt(read: () => void): void {
    try {
      read();
    } catch (cause) {
      this.#end();
      this.#report(cause);
    }
  }

  #report(cause: unknown): void {
    if (!(cause instanceof Refusal)) throw cause;
    logRefusal(this.#connection.shared.log, this.#connection.from, cause, 'would refuse');
  }
}

import { type Cut, type Framing, hasBareLf, MAX_HEAD, MessageReader } from './http-message.ts';
import { eachNotable, isSection, listItems, withoutSpace } from './http-syntax.ts';
import { Refusal } from './refusal.ts';

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?\r\n/;
/** Connection: close, wherever it stands in what may be a head. */
const CLOSE = /\nconnection:[\t ]*close[\t ]*(?:\r?\n|$)/i;

/**
 * Reads answers (RFC 9112 §4) for where they end. What it does not understand goes on to the close of the connection. What it tells of a head holds
 * until the next one is read. Answers are not edited: the Via that RFC 9110 §7.6.3 wants of a proxy is needed by nobody.
 */
export class AnswerReader extends MessageReader {
  /** The method of the request that is answered next: answers to HEAD and CONNECT end otherwise. */
  method = '';
  isUnderstood = true;
  status = 0;
  /** Whether it says that the connection is closed. */
  closes = false;
  /** Whether the connection persists behind it, as far as the target has a say (RFC 9112 §9.3). */
  persists = true;
  /** The protocols it names. */
  upgrade = '';
  #options: readonly string[] = [];
  #codings: readonly string[] = [];
  #length: number | null = null;

  constructor() {
    super({ isStrict: false });
  }

  override readHead(bytes: Buffer, at: number, end: number): number {
    try {
      return super.readHead(bytes, at, end);
    } catch (cause) {
      this.#giveUp(cause);
      // All that has come is taken for the head.
      this.hasHead = true;
      const isJoined = this.bytes !== bytes;
      this.end = isJoined ? this.bytes.length : end;
      const [head = ''] = this.bytes.toString('latin1', this.start, this.end).split(/\r?\n\r?\n/, 1);
      this.closes = CLOSE.test(head);
      return end;
    }
  }

  override readContent(bytes: Buffer, at: number, end: number): number {
    try {
      return super.readContent(bytes, at, end);
    } catch (cause) {
      this.#giveUp(cause);
      return end;
    }
  }

  #giveUp(cause: unknown): void {
    if (!(cause instanceof Refusal)) throw cause;
    this.isUnderstood = false;
    this.persists = false;
    this.status = 0;
    this.beginContent('close');
  }

  protected judgeCut({ start, fresh, size }: Cut): void {
    if (size > MAX_HEAD) throw unreadable('its head is too long');
    if (hasBareLf(fresh) || !'HTTP/1.'.startsWith(start.slice(0, 7))) throw unreadable('that is no head');
  }

  protected take(head: string): void {
    this.isUnderstood = true;
    this.closes = false;
    this.upgrade = '';
    this.#options = this.#codings = [];
    this.#length = null;
    const [line = '', minor = '', status] = STATUS_LINE.exec(head) ?? [];
    this.status = Number(status ?? 0);
    if (!isSection(head, line.length) || status === undefined) throw unreadable('that is no head');
    eachNotable(head, line.length, (name, value) => this.#takeField(name, value));
    this.closes = this.#options.includes('close');
    const framing = this.#framing(minor);
    this.persists =
      framing !== 'close' &&
      !this.closes &&
      // Some read it by one, some by the other (RFC 9112 §6.3, rule 3).
      (this.#codings.length === 0 || this.#length === null) &&
      (minor === '1' || this.#options.includes('keep-alive'));
    this.beginContent(framing);
  }

  #takeField(name: string, value: string): void {
    if (name === 'connection') this.#options = [...this.#options, ...listItems(value)];
    else if (name === 'transfer-encoding') this.#takeCodings(value);
    else if (name === 'upgrade') this.upgrade = `${this.upgrade},${value}`;
    else if (name === 'content-length')
      for (const item of value.split(',')) this.#takeLength(withoutSpace(item));
  }

  #takeCodings(value: string): void {
    // Not all know of a tab, or skip an empty item.
    if (/\t|(?:^|,) *(?:,|$)/.test(value)) throw unreadable('its codings cannot be read');
    this.#codings = [...this.#codings, ...listItems(value)];
  }

  /** The same length again, as a field or in a list, is one (RFC 9112 §6.3, rule 5). */
  #takeLength(text: string): void {
    const length = Number(text);
    if (!/^\d+$/.test(text) || length > Number.MAX_SAFE_INTEGER || (this.#length ?? length) !== length)
      throw unreadable('its length cannot be read');
    this.#length = length;
  }

  /** How the message body ends (RFC 9112 §6.3). */
  #framing(minor: string): Framing {
    const { status, method } = this;
    if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return 0;
    if (method === 'CONNECT' && status < 300) return 0;
    if (this.#codings.length === 0) return this.#length ?? 'close';
    if (minor === '0') throw unreadable('HTTP/1.0 has no Transfer-Encoding');
    return this.#codings.at(-1) === 'chunked' ? 'chunked' : 'close';
  }
}

function unreadable(reason: string): Refusal {
  return new Refusal('malformed', reason);
}

import { Refusal } from './refusal.ts';

/** Walks through a message of TLS's presentation language (RFC 8446 §3). Throws a Refusal where it would leave it. */
export class ByteCursor {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** How many bytes are left. */
  get length(): number {
    return this.#end - this.#at;
  }

  /** The bytes that are left, as text. */
  get text(): string {
    return this.#bytes.toString('latin1', this.#at, this.#end);
  }

  /** Leaves so many bytes behind; where they begin. */
  skip(count: number): number {
    const start = this.#at;
    if (count > this.length) throw new Refusal('malformed', 'a field is longer than the message');
    this.#at += count;
    return start;
  }

  /** A number of so many bytes. */
  number(size: 1 | 2): number {
    const start = this.skip(size);
    return size === 1 ? (this.#bytes[start] as number) : this.#bytes.readUInt16BE(start);
  }

  /** A vector: its length in so many bytes, and that many bytes, of which there must be between `min` and `max`. */
  vector(size: 1 | 2, min = 0, max = Infinity): ByteCursor {
    const length = this.number(size);
    if (length < min || length > max) throw new Refusal('malformed', 'a field has a wrong length');
    return new ByteCursor(this.#bytes, this.skip(length), this.#at);
  }
}

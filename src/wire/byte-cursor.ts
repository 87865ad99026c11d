import { Refusal } from './refusal.ts';

/** Walks through a message of TLS's presentation language (RFC 8446 §3). Throws a Refusal where it would leave it. */
export class ByteCursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next bytes, exactly so many. */
  take(count: number): Buffer {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw new Refusal('malformed', 'a field is longer than the message');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** A number of so many bytes. */
  number(size: 1 | 2): number {
    return this.take(size).readUIntBE(0, size);
  }

  /** A vector: its length in so many bytes, and that many bytes, of which there must be between `min` and `max`. */
  vector(size: 1 | 2, min = 0, max = Infinity): Buffer {
    const length = this.number(size);
    if (length < min || length > max) throw new Refusal('malformed', 'a field has a wrong length');
    return this.take(length);
  }
}

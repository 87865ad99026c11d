import { Chunks } from './http-chunks.ts';

/** The greatest head, in bytes. */
export const MAX_HEAD = 64 * 1024;

const END_OF_HEAD = '\r\n\r\n';
/** As much as most heads are long, and more. */
const FIRST_LOOK = 2_048;
const NOTHING: Buffer = Buffer.alloc(0);

/** How content ends (RFC 9112 §6.3): after so many bytes, with its last chunk, or with the connection. */
export type Framing = number | 'chunked' | 'close';

/**
 * Reads messages of HTTP/1 (RFC 9112 §2.1), however they are cut: heads, whole, and how far content goes. It keeps nothing but a head that comes in
 * pieces.
 */
export abstract class MessageReader {
  /** Whether a head is what comes next. */
  isBetween = true;
  /** Whether the last `readHead` has come to the end of one; then this is where it lies, until the next one is read. */
  hasHead = false;
  bytes: Buffer = NOTHING;
  start = 0;
  end = 0;
  readonly #isStrict: boolean;
  /** What has come of a head that did not come whole. */
  #begun = NOTHING;
  #left = 0;
  #chunks: Chunks | null = null;

  constructor({ isStrict }: { readonly isStrict: boolean }) {
    this.#isStrict = isStrict;
  }

  /** Makes something of a whole head, and begins its content. Throws a Refusal. */
  protected abstract take(head: string): void;
  /** Looks at a head that is not whole. Throws a Refusal where it need not come to its end. */
  protected abstract judgeCut(text: string): void;

  /** How many bytes of a head that is not whole are kept. */
  get begun(): number {
    return this.#begun.length;
  }

  /** How many of the bytes that come next are known to be content. */
  get left(): number {
    return this.#chunks?.left ?? this.#left;
  }

  /** Takes bytes that belong to a head; how far. Throws a Refusal. */
  readHead(bytes: Buffer, at: number, end: number): number {
    const before = this.#begun.length;
    this.bytes = before === 0 ? bytes : Buffer.concat([this.#begun, bytes.subarray(at, end)]);
    this.start = before === 0 ? at : 0;
    const last = before === 0 ? end : this.bytes.length;
    let text = this.bytes.toString('latin1', this.start, Math.min(last, this.start + FIRST_LOOK));
    let length = text.indexOf(END_OF_HEAD);
    if (length === -1 && last - this.start > FIRST_LOOK) {
      text = this.bytes.toString('latin1', this.start, Math.min(last, this.start + MAX_HEAD + 1));
      length = text.indexOf(END_OF_HEAD);
    }
    this.hasHead = length !== -1;
    this.end = this.hasHead ? this.start + length + END_OF_HEAD.length : last;
    if (this.hasHead) {
      this.take(text.slice(0, this.end - this.start));
      this.#begun = NOTHING;
    } else {
      this.judgeCut(text);
      this.#begun = before === 0 ? Buffer.copyBytesFrom(bytes, at, end - at) : this.bytes;
    }
    return this.end - this.start - before + at;
  }

  /** Takes bytes of content; how far. Throws a Refusal. */
  readContent(bytes: Buffer, at: number, end: number): number {
    if (this.#chunks === null) {
      const taken = Math.min(this.#left, end - at);
      this.#left -= taken;
      this.isBetween = this.#left === 0;
      return at + taken;
    }
    const stop = this.#chunks.read(bytes, at, end);
    if (this.#chunks.isOver) {
      this.#chunks = null;
      this.isBetween = true;
    }
    return stop;
  }

  protected beginContent(framing: Framing): void {
    this.#begun = NOTHING;
    this.#chunks = framing === 'chunked' ? new Chunks({ isStrict: this.#isStrict }) : null;
    this.#left = typeof framing === 'number' ? framing : framing === 'close' ? Infinity : 0;
    this.isBetween = framing === 0;
  }
}

import { GrowingBytes } from './growing-bytes.ts';
import { Chunks } from './http-chunks.ts';

/** The greatest head, in bytes. */
export const MAX_HEAD = 64 * 1024;

const END_OF_HEAD = '\r\n\r\n';
/** As much as most heads are long, and more. */
const FIRST_LOOK = 2_048;
/** As much of a cut head as tells that it may be one. */
const METHOD_LOOK = 16;
const LF = 10;
const CR = 13;
const NOTHING: Buffer = Buffer.alloc(0);

/** A head that is not whole. */
export interface Cut {
  /** Its first bytes. */
  readonly start: string;
  /** What has not been looked at before, with a byte before it. */
  readonly fresh: Buffer;
  /** How long it is so far, in bytes. */
  readonly size: number;
}

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
  readonly #begun = new GrowingBytes();
  #left = 0;
  #chunks: Chunks | null = null;

  constructor({ isStrict }: { readonly isStrict: boolean }) {
    this.#isStrict = isStrict;
  }

  /** Makes something of a whole head, and begins its content. Throws a Refusal. */
  protected abstract take(head: string): void;
  /** Looks at a head that is not whole. Throws a Refusal where it need not come to its end. */
  protected abstract judgeCut(cut: Cut): void;

  /** How much memory a head takes that is not whole, in bytes. */
  get begun(): number {
    return this.hasHead ? 0 : this.#begun.size;
  }

  /** How many of the bytes that come next are known to be content. */
  get left(): number {
    return this.#chunks?.left ?? this.#left;
  }

  /** Leaves the memory of the last head to whoever has been given it; so does the next one. */
  letGo(): void {
    this.hasHead = false;
    this.#begun.take();
  }

  /** Gives back the memory of a head that nobody has been given. */
  free(): void {
    this.hasHead = false;
    this.#begun.free();
  }

  /** Takes bytes that belong to a head; how far. Throws a Refusal. */
  readHead(bytes: Buffer, at: number, end: number): number {
    if (this.hasHead) this.letGo();
    if (this.#begun.length > 0) {
      const before = this.#begun.length;
      this.#begun.add(bytes, at, end);
      const all = this.#begun.bytes;
      return at - before + this.#readLong(all, { start: 0, end: all.length, seen: before });
    }
    const text = bytes.toString('latin1', at, Math.min(end, at + FIRST_LOOK));
    const length = text.indexOf(END_OF_HEAD);
    if (length === -1) return this.#readLong(bytes, { start: at, end, seen: 0 });
    this.bytes = bytes;
    this.start = at;
    this.end = at + length + END_OF_HEAD.length;
    this.hasHead = true;
    this.take(text.slice(0, this.end - at));
    return this.end;
  }

  /**
   * Looks for the end of a head that is long, or cut; of its bytes from `start`, so many have been `seen` before. Makes no strings of what is cut: who sends
   * that may send much.
   */
  #readLong(
    bytes: Buffer,
    { start, end, seen }: { readonly start: number; readonly end: number; readonly seen: number },
  ): number {
    const all = bytes.subarray(start, end);
    const length = all.indexOf(END_OF_HEAD, Math.max(0, seen - END_OF_HEAD.length + 1), 'latin1');
    this.bytes = bytes;
    this.start = start;
    this.hasHead = length !== -1 && length <= MAX_HEAD;
    this.end = this.hasHead ? start + length + END_OF_HEAD.length : end;
    if (this.hasHead) {
      this.take(bytes.toString('latin1', start, this.end));
    } else {
      const fresh = all.subarray(Math.max(0, seen - 1));
      this.judgeCut({ start: all.toString('latin1', 0, METHOD_LOOK), fresh, size: all.length });
      if (seen === 0) this.#begun.add(bytes, start, end);
    }
    return this.end;
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
    this.#chunks = framing === 'chunked' ? new Chunks({ isStrict: this.#isStrict }) : null;
    this.#left = typeof framing === 'number' ? framing : framing === 'close' ? Infinity : 0;
    this.isBetween = framing === 0;
  }
}

/** Whether a line ends without CR; a first byte of LF is not judged. */
export function hasBareLf(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(LF, 1); at !== -1; at = bytes.indexOf(LF, at + 1))
    if (bytes[at - 1] !== CR) return true;
  return false;
}

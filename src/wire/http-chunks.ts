import { isCutFieldLine, isFieldLine, isNotable } from './http-syntax.ts';
import { Refusal } from './refusal.ts';

/** A chunk's first line (RFC 9112 §7.1): with a size below 2^52 and no white space, as all read it; and as answers may have it. */
const STRICT = /^([0-9a-f]{1,13})(?:;[\x21-\x7e\x80-\xff]*)?\r\n$/i;
const LAX = /^0*([0-9a-f]{1,13})(?:[\t ;][^\r\n]*)?\r\n$/i;
/** The same, cut: what has come goes on at once, and some servers take a CR for the end of a line. */
const CUT_STRICT = /^(?:[0-9a-f]{1,13}(?:;[\x21-\x7e\x80-\xff]*)?\r?)?$/i;
const LINE = /^[^\r\n]*\r\n$/;
const CUT_LAX = /^[^\r]*\r?$/;
/** The longest line, and the longest trailer section, in bytes. */
const MAX_LINE = 4 * 1_024;
const MAX_TRAILERS = 8 * 1_024;
const CR = 0x0d;
const LF = 0x0a;
const CRLF = '\r\n';

/** Walks along chunked content (RFC 9112 §7.1), however it is cut. What is strict forgives nothing; what is not looks only for where it ends. */
export class Chunks {
  /** How much of a chunk's data is still to come, in bytes. */
  left = 0;
  isOver = false;
  readonly #isStrict: boolean;
  /** What the next line is, and what has come of it. */
  #next: 'size' | 'end of data' | 'trailer' = 'size';
  #line = '';
  #trailersLength = 0;

  constructor({ isStrict }: { readonly isStrict: boolean }) {
    this.#isStrict = isStrict;
  }

  /** Walks from `at` towards `end`; where it has come to, which is `end` or behind the content. Throws a Refusal. */
  read(bytes: Buffer, at: number, end: number): number {
    let position = at;
    while (position < end && !this.isOver) {
      if (this.left > 0) {
        const taken = Math.min(this.left, end - position);
        this.left -= taken;
        position += taken;
      } else {
        position = this.#readLine(bytes, position, end);
      }
    }
    return position;
  }

  #readLine(bytes: Buffer, at: number, end: number): number {
    let stop = at;
    while (stop < end && bytes[stop] !== LF) stop++;
    const isWhole = stop < end;
    // Chunks may be of one byte each: what most lines are is seen without making a text of them.
    if (isWhole && this.#line === '' && this.#takePlain(bytes, at, stop)) return stop + 1;
    this.#line += bytes.toString('latin1', at, isWhole ? stop + 1 : end);
    if (this.#line.length > MAX_LINE) throw malformed('a line in chunked content is too long');
    if (!isWhole) {
      this.#judgeCut(this.#line);
      return end;
    }
    const line = this.#line;
    this.#line = '';
    this.#take(line);
    return stop + 1;
  }

  /** Takes a line that ends before a LF and is no more than digits, or nothing; whether it is. */
  #takePlain(bytes: Buffer, at: number, stop: number): boolean {
    const digits = stop - 1 - at;
    if (bytes[stop - 1] !== CR || digits < 0 || digits > 6 || this.#next === 'trailer') return false;
    if ((this.#next === 'size') !== digits > 0) return false;
    let size = 0;
    for (let position = at; position < stop - 1; position++) {
      const digit = hexDigit(bytes[position] as number);
      if (digit < 0) return false;
      size = size * 16 + digit;
    }
    if (digits > 0) this.#begin(size);
    else this.#next = 'size';
    return true;
  }

  #begin(size: number): void {
    this.left = size;
    this.#next = size === 0 ? 'trailer' : 'end of data';
  }

  #take(line: string): void {
    if (this.#next === 'trailer') return this.#takeTrailer(line);
    if (this.#next === 'end of data') {
      if (line !== CRLF) throw malformed('no CRLF behind the data of a chunk');
      this.#next = 'size';
      return;
    }
    const [, size] = (this.#isStrict ? STRICT : LAX).exec(line) ?? [];
    if (size === undefined) throw malformed('that is no chunk size, alone or with extensions, and CRLF');
    this.#begin(Number.parseInt(size, 16));
  }

  #judgeCut(line: string): void {
    if (this.#next === 'end of data' && line !== '\r') throw malformed('no CRLF behind the data of a chunk');
    if (this.#next === 'trailer' && this.#isStrict && !isCutFieldLine(line))
      throw malformed('a trailer is no field line');
    const cut = this.#next === 'size' && this.#isStrict ? CUT_STRICT : CUT_LAX;
    if (!cut.test(line)) throw malformed('that is no chunk size, alone or with extensions, and CRLF');
  }

  #takeTrailer(line: string): void {
    this.isOver = line === CRLF;
    if (this.isOver) return;
    if (!(this.#isStrict ? isFieldLine(line) : LINE.test(line)))
      throw malformed('a trailer is no field line');
    if (!this.#isStrict) return;
    this.#trailersLength += line.length;
    if (this.#trailersLength > MAX_TRAILERS) throw malformed('the trailers are too long');
    // RFC 9110 §6.5.1
    if (isNotable(line)) throw malformed('a trailer says whom the message is for, or where it ends');
  }
}

/** -1 for what is none. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const small = byte | 0x20;
  return small >= 0x61 && small <= 0x66 ? small - 0x57 : -1;
}

function malformed(reason: string): Refusal {
  return new Refusal('malformed', reason);
}

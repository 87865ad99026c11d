import { randomOf } from './random.ts';

/** A prime, so that no size that programs like divides it: what is moved by a buffer's size does not look the same. */
const PERIOD = 1_048_583;
/** How much of it is handed out at a time at most, in bytes. */
export const LARGEST_PIECE = 65_536;

/** Pseudorandom bytes that repeat after PERIOD, with enough of the beginning behind the end for any piece to be one slice. */
const BLOCK = (() => {
  const { next } = randomOf(1, 'content');
  const words = Uint32Array.from({ length: Math.ceil(PERIOD / 4) }, () => next() * 2 ** 32);
  const bytes = Buffer.from(words.buffer).subarray(0, PERIOD);
  return Buffer.concat([bytes, bytes.subarray(0, LARGEST_PIECE)]);
})();

/** Bytes that both ends of a connection know by where they begin and how many there are. */
export interface Content {
  readonly start: number;
  readonly length: number;
}

/** Its bytes from a position on, as many as asked for, as there are and as one piece has. They are shared: nobody may write into them. */
export function pieceOf({ start, length }: Content, position: number, size = LARGEST_PIECE): Buffer {
  const from = (start + position) % PERIOD;
  return BLOCK.subarray(from, from + Math.min(size, LARGEST_PIECE, length - position));
}

/** Compares what arrives with what was sent. */
export class Checker {
  readonly #content: Content;
  received = 0;

  constructor(content: Content) {
    this.#content = content;
  }

  get isComplete(): boolean {
    return this.received === this.#content.length;
  }

  /** The next bytes; what is wrong with them, or null. */
  take(bytes: Buffer): string | null {
    const { length } = this.#content;
    for (let at = 0; at < bytes.length;) {
      if (this.received === length)
        return `${bytes.length - at} bytes more than the ${length} that were sent`;
      const expected = pieceOf(this.#content, this.received, bytes.length - at);
      const got = bytes.subarray(at, at + expected.length);
      if (!expected.equals(got)) {
        const offset = expected.findIndex((byte, index) => byte !== got[index]);
        return `byte ${this.received + offset} of ${length} is ${got[offset]} and was sent as ${expected[offset]}`;
      }
      this.received += expected.length;
      at += expected.length;
    }
    return null;
  }
}

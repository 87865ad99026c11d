import { allocate, type Calls } from './calls.ts';

export const WORD = Int32Array.BYTES_PER_ELEMENT;

/** An array of C structures that are alike, as 64-bit little-endian machines have them; fields are told by the 32-bit word at which they begin. */
export class Structs {
  readonly bytes: Buffer;
  readonly #size: number;
  readonly #words: Int32Array;
  readonly #quads: BigInt64Array;
  readonly #pointers: readonly bigint[];

  /** So many of so many words, an even number of them, all zero. */
  constructor(calls: Pick<Calls, 'pointerTo'>, count: number, size: number) {
    const { bytes, pointer } = allocate(calls, count * size * WORD);
    this.bytes = bytes;
    this.#size = size;
    this.#words = new Int32Array(bytes.buffer);
    this.#quads = new BigInt64Array(bytes.buffer);
    this.#pointers = Array.from({ length: count }, (_, i) => pointer + BigInt(i * size * WORD));
  }

  pointer(i: number): bigint {
    return this.#pointers[i] as bigint;
  }

  get(i: number, field: number): number {
    return this.#words[i * this.#size + field] as number;
  }

  /** So many words of one of them, from a field on. */
  words(i: number, field: number, count: number): Int32Array {
    const at = i * this.#size + field;
    return this.#words.subarray(at, at + count);
  }

  /** Where a field is among all bytes. */
  byteAt(i: number, field: number): number {
    return (i * this.#size + field) * WORD;
  }

  /** Of a field that has 64 bits, the upper half stays. */
  set(i: number, field: number, value: number): void {
    this.#words[i * this.#size + field] = value;
  }

  setPointer(i: number, field: number, pointer: bigint): void {
    this.#quads[(i * this.#size + field) / 2] = pointer;
  }
}

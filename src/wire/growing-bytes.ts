import { freeBytes } from '../lib/own-bytes.ts';

const NOTHING: Buffer = Buffer.alloc(0);

/** Bytes that come in pieces, in memory of their own (see `freeBytes`). Each is copied twice at most, however small the pieces are. */
export class GrowingBytes {
  #room = NOTHING;
  #length = 0;

  /** What has come, until more does. */
  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  /** How much memory it takes, in bytes. */
  get size(): number {
    return this.#room.length;
  }

  add(bytes: Buffer, start = 0, end = bytes.length): void {
    const length = this.#length + end - start;
    if (length > this.#room.length) this.#grow(this.#length === 0 ? length : length * 2);
    bytes.copy(this.#room, this.#length, start, end);
    this.#length = length;
  }

  #grow(size: number): void {
    if (this.#room.length === 0) this.#room = Buffer.allocUnsafeSlow(size);
    else this.#room = Buffer.from((this.#room.buffer as ArrayBuffer).transfer(size));
  }

  /** Lets go of what has come, which is the caller's. */
  take(): Buffer {
    const { bytes } = this;
    this.#room = NOTHING;
    this.#length = 0;
    return bytes;
  }

  free(): void {
    freeBytes(this.take());
  }
}

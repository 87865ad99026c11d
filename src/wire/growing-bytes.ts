const NOTHING: Buffer = Buffer.alloc(0);

/** Bytes that come in pieces. Each is copied twice at most, however small the pieces are, and leaves little behind. */
export class GrowingBytes {
  #room = NOTHING;
  #length = 0;

  /** What has come. */
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

  add(bytes: Buffer, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#room.length) {
      const larger = Buffer.allocUnsafeSlow(this.#length === 0 ? length : length * 2);
      this.#room.copy(larger, 0, 0, this.#length);
      this.#room = larger;
    }
    bytes.copy(this.#room, this.#length, start, end);
    this.#length = length;
  }

  /** Lets go of what has come, which stays as it is for whoever has it. */
  clear(): void {
    this.#room = NOTHING;
    this.#length = 0;
  }
}

import { allocate, type Calls, type Memory } from './calls.ts';
import { readSocketAddress, SOCKADDR_SIZE, type SocketAddress } from './socket-address.ts';
import { IOVEC, MMSGHDR, Structs, WORD } from './structs.ts';

/** How many datagrams are received at a time. */
export const BATCH = 64;
/** More than a datagram can carry (RFC 768), in bytes. */
const LARGEST = 65_536;
/** From one datagram's place to the next, in bytes: places a power of two apart would share a few lines of the cache. */
const STRIDE = LARGEST + 64;
/** Room for a struct sockaddr, in 32-bit words. */
const NAME = 8;

/** Datagrams that were received together. */
export class DatagramBatch {
  /** How many. */
  count = 0;
  /** Where each lies and how long it is, as a struct iovec. */
  readonly filled: Structs;
  readonly #calls: Calls;
  readonly #payloads: Memory;
  /** The same for the kernel to fill, each of full length. */
  readonly #room: Structs;
  readonly #senders: Structs;
  readonly #headers: Structs;

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#payloads = allocate(calls, BATCH * STRIDE);
    this.filled = new Structs(calls, BATCH, IOVEC.size);
    this.#room = new Structs(calls, BATCH, IOVEC.size);
    this.#senders = new Structs(calls, BATCH, NAME);
    this.#headers = new Structs(calls, BATCH, MMSGHDR.size);
    for (let i = 0; i < BATCH; i++) {
      const payload = this.#payloads.pointer + BigInt(i * STRIDE);
      this.filled.setPointer(i, IOVEC.base, payload);
      this.#room.setPointer(i, IOVEC.base, payload);
      this.#room.set(i, IOVEC.length, LARGEST);
      this.#headers.setPointer(i, MMSGHDR.name, this.#senders.pointer(i));
      this.#headers.setPointer(i, MMSGHDR.iov, this.#room.pointer(i));
      this.#headers.set(i, MMSGHDR.iovCount, 1);
    }
  }

  /** Whether there may be more to receive. */
  get isFull(): boolean {
    return this.count === BATCH;
  }

  /** Receives what there is, in place of what was received before; 0, or why there is nothing (errno(3)). */
  receive(fd: number): number {
    const headers = this.#headers;
    for (let i = 0; i < BATCH; i++) headers.set(i, MMSGHDR.nameSize, SOCKADDR_SIZE);
    const count = this.#calls.recvmmsg(fd, headers.pointer(0), BATCH, 0, 0n);
    this.count = Math.max(count, 0);
    for (let i = 0; i < count; i++) this.filled.set(i, IOVEC.length, headers.get(i, MMSGHDR.received));
    return count < 0 ? this.#calls.errno() : 0;
  }

  /** In bytes. */
  size(i: number): number {
    return this.filled.get(i, IOVEC.length);
  }

  copy(i: number): Buffer {
    const at = i * STRIDE;
    return Buffer.from(this.#payloads.bytes.subarray(at, at + this.size(i)));
  }

  /** What stands for who sent one, the same for the same: a struct sockaddr, in latin1. */
  sender(i: number): string {
    const at = i * NAME * WORD;
    return this.#senders.bytes.toString('latin1', at, at + this.#senderSize(i));
  }

  isOfSameSender(i: number, j: number): boolean {
    for (let word = 0; word < this.#senderSize(i) / WORD; word++)
      if (this.#senders.get(i, word) !== this.#senders.get(j, word)) return false;
    return true;
  }

  /** Of a sender. */
  addressOf(sender: string): SocketAddress {
    return readSocketAddress(this.#calls, Buffer.from(sender, 'latin1'));
  }

  /** In bytes: what lies behind it is left of others. */
  #senderSize(i: number): number {
    return this.#headers.get(i, MMSGHDR.nameSize);
  }
}

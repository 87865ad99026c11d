import { IOVEC, MMSGHDR } from './abi.ts';
import { allocate, type Calls, type Memory } from './calls.ts';
import { CONTROL_IN, findOwnAddress, readOwnAddress } from './own-address.ts';
import { readSocketAddress, LARGEST_SOCKADDR, type SocketAddress } from './socket-address.ts';
import { Structs, WORD } from './structs.ts';

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
  readonly #controls: Structs;
  /** One of them is put together here: to make text of two parts costs twice as much. */
  readonly #flow: Structs;
  readonly #headers: Structs;

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#payloads = allocate(calls, BATCH * STRIDE);
    this.filled = new Structs(calls, BATCH, IOVEC.size);
    this.#room = new Structs(calls, BATCH, IOVEC.size);
    this.#senders = new Structs(calls, BATCH, NAME);
    this.#controls = new Structs(calls, BATCH, CONTROL_IN);
    this.#flow = new Structs(calls, 1, NAME + CONTROL_IN);
    this.#headers = new Structs(calls, BATCH, MMSGHDR.size);
    for (let i = 0; i < BATCH; i++) {
      const payload = this.#payloads.pointer + BigInt(i * STRIDE);
      this.filled.setPointer(i, IOVEC.base, payload);
      this.#room.setPointer(i, IOVEC.base, payload);
      this.#room.set(i, IOVEC.length, LARGEST);
      this.#headers.setPointer(i, MMSGHDR.name, this.#senders.pointer(i));
      this.#headers.setPointer(i, MMSGHDR.iov, this.#room.pointer(i));
      this.#headers.set(i, MMSGHDR.iovCount, 1);
      this.#headers.setPointer(i, MMSGHDR.control, this.#controls.pointer(i));
      this.#makeRoom(i);
    }
  }

  /** Whether there may be more to receive. */
  get isFull(): boolean {
    return this.count === BATCH;
  }

  /** Receives what there is, in place of what was received before; 0, or why there is nothing (errno(3)). */
  receive(fd: number): number {
    const headers = this.#headers;
    for (let i = 0; i < this.count; i++) this.#makeRoom(i);
    const count = this.#calls.recvmmsg(fd, headers.pointer(0), BATCH, 0, 0n);
    this.count = Math.max(count, 0);
    for (let i = 0; i < count; i++) this.filled.set(i, IOVEC.length, headers.get(i, MMSGHDR.received));
    return count < 0 ? this.#calls.errno() : 0;
  }

  /** In bytes. */
  size(i: number): number {
    return this.filled.get(i, IOVEC.length);
  }

  /** Its bytes, until others are received. */
  bytes(i: number): Buffer {
    const at = i * STRIDE;
    return this.#payloads.bytes.subarray(at, at + this.size(i));
  }

  copy(i: number): Buffer {
    return Buffer.from(this.bytes(i));
  }

  /** What stands for who sent one and to which of our addresses, the same for the same: a struct sockaddr, and the address as it was found, in latin1. */
  flow(i: number): string {
    const peerSize = this.senderSize(i) / WORD;
    const own = findOwnAddress(this.#controls, i, this.#controlSize(i));
    for (let word = 0; word < peerSize; word++) this.#flow.set(0, word, this.#senders.get(i, word));
    for (let word = 0; word < own.size; word++)
      this.#flow.set(0, peerSize + word, this.#controls.get(i, own.at + word));
    return this.#flow.bytes.toString('latin1', 0, (peerSize + own.size) * WORD);
  }

  isOfSameFlow(i: number, j: number): boolean {
    for (let word = 0; word < this.senderSize(i) / WORD; word++)
      if (this.#senders.get(i, word) !== this.#senders.get(j, word)) return false;
    if (this.#controlSize(i) !== this.#controlSize(j)) return false;
    const { at, size } = findOwnAddress(this.#controls, i, this.#controlSize(i));
    for (let word = at; word < at + size; word++)
      if (this.#controls.get(i, word) !== this.#controls.get(j, word)) return false;
    return true;
  }

  /** The address of ours that one was sent to, as it was found (`findOwnAddress`), until others are received; empty where it is not known. */
  ownAddress(i: number): Int32Array {
    const { at, size } = findOwnAddress(this.#controls, i, this.#controlSize(i));
    return this.#controls.words(i, at, size);
  }

  /** What stands for that, the same for the same; '' where it is not known. */
  destination(i: number): string {
    const { at, size } = findOwnAddress(this.#controls, i, this.#controlSize(i));
    const start = this.#controls.byteAt(i, at);
    return this.#controls.bytes.toString('latin1', start, start + size * WORD);
  }

  /** Of a destination that is known. */
  addressOfDestination(destination: string): string {
    return readOwnAddress(this.#calls, Buffer.from(destination, 'latin1'));
  }

  /** Of the sender of a flow. */
  addressOf(flow: string): SocketAddress {
    return readSocketAddress(this.#calls, Buffer.from(flow, 'latin1'));
  }

  /** For what the kernel tells beside the datagram; it sets the sizes to what it has told. */
  #makeRoom(i: number): void {
    this.#headers.set(i, MMSGHDR.nameSize, LARGEST_SOCKADDR);
    this.#headers.set(i, MMSGHDR.controlSize, CONTROL_IN * WORD);
  }

  /** Of a struct sockaddr, until others are received. */
  senderPointer(i: number): bigint {
    return this.#senders.pointer(i);
  }

  /** In bytes: what lies behind it is left of others. */
  senderSize(i: number): number {
    return this.#headers.get(i, MMSGHDR.nameSize);
  }

  #controlSize(i: number): number {
    return this.#headers.get(i, MMSGHDR.controlSize);
  }
}

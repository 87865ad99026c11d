import { IOVEC, MMSGHDR } from './abi.ts';
import { allocate, type Calls } from './calls.ts';
import { BATCH, type DatagramBatch } from './datagram-batch.ts';
import { ICMP_ERRORS } from './icmp-errors.ts';
import { CONTROL_OUT, writeOwnAddress } from './own-address.ts';
import { Structs } from './structs.ts';

/** The largest reply, in bytes: what a DNS answer over UDP may take (RFC 1035 §4.2.1). */
export const LARGEST_REPLY = 512;
/** How often the kernel may tell of other datagrams than the one that is to be sent; from then on it is that one. */
const MAX_ICMP_ERRORS = 4;

/** Puts the reply to a datagram of the batch into its room, of LARGEST_REPLY bytes, and returns its length; 0 for none. */
export type WriteReply = (i: number, room: Buffer) => number;

/** Sends each datagram's sender a reply of its own, from the address that it has sent to; all those of a batch in one call. */
export class DatagramReplies {
  readonly #calls: Calls;
  readonly #batch: DatagramBatch;
  readonly #rooms: readonly Buffer[];
  readonly #filled: Structs;
  readonly #headers: Structs;
  readonly #controls: Structs;

  constructor(calls: Calls, batch: DatagramBatch) {
    this.#calls = calls;
    this.#batch = batch;
    const { bytes, pointer } = allocate(calls, BATCH * LARGEST_REPLY);
    this.#rooms = Array.from({ length: BATCH }, (_, i) =>
      bytes.subarray(i * LARGEST_REPLY, (i + 1) * LARGEST_REPLY),
    );
    this.#filled = new Structs(calls, BATCH, IOVEC.size);
    this.#headers = new Structs(calls, BATCH, MMSGHDR.size);
    this.#controls = new Structs(calls, BATCH, CONTROL_OUT);
    for (let i = 0; i < BATCH; i++) {
      this.#filled.setPointer(i, IOVEC.base, pointer + BigInt(i * LARGEST_REPLY));
      this.#headers.setPointer(i, MMSGHDR.iov, this.#filled.pointer(i));
      this.#headers.set(i, MMSGHDR.iovCount, 1);
      this.#headers.setPointer(i, MMSGHDR.control, this.#controls.pointer(i));
    }
  }

  /** Replies to the batch. What is not taken is lost: `onLost` is told why (errno(3)). */
  send(fd: number, write: WriteReply, onLost: (count: number, errno: number) => void): void {
    const count = this.#fill(write);
    let next = 0;
    let errors = 0;
    while (next < count) {
      const sent = this.#calls.sendmmsg(fd, this.#headers.pointer(next), count - next, 0);
      if (sent > 0) {
        next += sent;
        errors = 0;
        continue;
      }
      const errno = this.#calls.errno();
      // The kernel tells of an earlier datagram, to another peer, in place of sending this one.
      if (ICMP_ERRORS.has(errno) && errors++ < MAX_ICMP_ERRORS) continue;
      onLost(1, errno);
      next++;
    }
  }

  /** Returns how many there are. */
  #fill(write: WriteReply): number {
    const headers = this.#headers;
    let count = 0;
    for (let i = 0; i < this.#batch.count; i++) {
      const length = write(i, this.#rooms[count] as Buffer);
      if (length === 0) continue;
      this.#filled.set(count, IOVEC.length, length);
      headers.setPointer(count, MMSGHDR.name, this.#batch.senderPointer(i));
      headers.set(count, MMSGHDR.nameSize, this.#batch.senderSize(i));
      const own = this.#batch.ownAddress(i);
      headers.set(count, MMSGHDR.controlSize, writeOwnAddress(this.#controls, count, 0, own));
      count++;
    }
    return count;
  }
}

import { EventEmitter } from 'node:events';
import { constants } from 'node:os';

import {
  AF_INET,
  AF_INET6,
  EPOLLERR,
  EPOLLIN,
  MSG_ERRQUEUE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
} from './abi.ts';
import { type Calls, systemError } from './calls.ts';
import { DatagramBatch } from './datagram-batch.ts';
import { DatagramReplies, type WriteReply } from './datagram-replies.ts';
import { DatagramTrains } from './datagram-trains.ts';
import { ICMP_ERRORS } from './icmp-errors.ts';
import { holdToInterface, type InterfaceFilter } from './interface-filter.ts';
import { EAGAIN, type Kernel } from './kernel.ts';
import { localAddress } from './local-address.ts';
import type { Watched } from './poller.ts';
import { type SocketAddress, sizeOfSocketAddress, writeSocketAddress } from './socket-address.ts';

const { ECONNREFUSED, EINTR, EMSGSIZE, ENOBUFS, ENOMEM } = constants.errno;
/** What a socket is told that is no failure: there is nothing more, memory is short, or (of one that is connected) a datagram was too large for its path. */
const PASSING = new Set([0, EAGAIN, EINTR, ENOMEM, ENOBUFS, EMSGSIZE]);

/** Where a socket leads, and how it is opened. */
export interface DatagramSocketOptions extends SocketAddress {
  /** Asked of the kernel for each direction, in bytes; it gives no more than net.core.rmem_max and wmem_max. */
  readonly bufferSize: number;
}

/** Where a socket is bound, and how it is opened. */
export interface Binding extends DatagramSocketOptions {
  /** Whether an IPv6 socket takes no IPv4: with BIND, `0.0.0.0` and `::` are one family each, and can stand side by side. */
  readonly ipv6Only: boolean;
  /** Whether others may listen there as well (SO_REUSEPORT, socket(7)). */
  readonly sharesPort: boolean;
}

/** UDP sockets as the kernel has them. What one of them has received is in `received` while it emits 'datagrams', and no longer. */
export class BareDatagrams {
  readonly received: DatagramBatch;
  readonly #kernel: Kernel;
  readonly #trains: DatagramTrains;
  /** Made when somebody replies. */
  #replies: DatagramReplies | null = null;

  /** Throws a system error where this kernel, or a sandbox, does not receive many at a time. */
  constructor(kernel: Kernel) {
    const { calls, options } = kernel;
    this.#kernel = kernel;
    this.received = new DatagramBatch(calls);
    const fd = openSocket(calls, AF_INET);
    const errno = this.received.receive(fd);
    this.#trains = new DatagramTrains(calls, this.received, { inTrains: options.canSegment(fd) });
    calls.close(fd);
    if (errno !== EAGAIN) throw systemError('recvmmsg', errno);
  }

  /** Rejects with a system error. */
  async bind({ ipv6Only, sharesPort, ...end }: Binding): Promise<BareDatagramSocket> {
    const { options } = this.#kernel;
    return this.#open('bind', end, (fd, family) => {
      if (family === AF_INET6) options.ipv6Only(fd, ipv6Only);
      if (sharesPort) options.reusePort(fd);
      options.ownAddresses(fd);
    });
  }

  /** Only the peer's datagrams come in then, and its refusals (ICMP) are errors (udp(7)). Rejects with a system error. */
  async connect(peer: DatagramSocketOptions): Promise<BareDatagramSocket> {
    return this.#open('connect', peer, () => {});
  }

  #open(
    operation: 'bind' | 'connect',
    { address, port, bufferSize }: DatagramSocketOptions,
    prepare: (fd: number, family: number) => void,
  ): BareDatagramSocket {
    const { calls, options, address: memory } = this.#kernel;
    const family = writeSocketAddress(calls, memory.bytes, { address, port });
    const fd = openSocket(calls, family);
    try {
      options.bufferSizes(fd, bufferSize);
      options.allErrors(fd);
      prepare(fd, family);
      if (calls[operation](fd, memory.pointer, sizeOfSocketAddress(memory.bytes)) < 0)
        throw systemError(operation, calls.errno(), `${address}:${port}`);
      return new BareDatagramSocket(this.#kernel, fd, {
        batch: this.received,
        trains: this.#trains,
        replies: () => (this.#replies ??= new DatagramReplies(calls, this.received)),
        isConnected: operation === 'connect',
        filter: operation === 'bind' ? holdToInterface(this.#kernel, fd, { address, protocol: 'udp' }) : null,
      });
    } catch (cause) {
      calls.close(fd);
      throw cause;
    }
  }
}

/** Throws a system error. */
function openSocket(calls: Calls, family: number): number {
  const fd = calls.socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw calls.failure('socket');
  return fd;
}

/** What a socket works with. */
interface Parts {
  readonly batch: DatagramBatch;
  readonly trains: DatagramTrains;
  readonly replies: () => DatagramReplies;
  /** If not, errors are of one of many peers; and the datagrams that find its receive buffer full are in /proc/net/udp, for as long as it is open. */
  readonly isConnected: boolean;
  /** Of one that is bound. */
  readonly filter: InterfaceFilter | null;
}

/**
 * One of them. Emits 'datagrams'; 'lost' with a number, for those that there was no room to send or, if it is connected, to receive; and 'error' for what has
 * befallen it, a refusal by its peer for one.
 */
export class BareDatagramSocket
  extends EventEmitter<{ datagrams: []; lost: [number]; error: [Error] }>
  implements Watched
{
  readonly fd: number;
  readonly #kernel: Kernel;
  readonly #batch: DatagramBatch;
  readonly #trains: DatagramTrains;
  readonly #replies: Parts['replies'];
  readonly #isConnected: boolean;
  readonly #filter: InterfaceFilter | null;
  /** How many datagrams that found the receive buffer full have been told of. */
  #drops = 0;
  /** That a send has been told of. */
  #refusal: Error | null = null;
  #isOpen = true;

  /** Throws a system error. */
  constructor(kernel: Kernel, fd: number, { batch, trains, replies, isConnected, filter }: Parts) {
    super();
    this.#kernel = kernel;
    this.fd = fd;
    this.#batch = batch;
    this.#trains = trains;
    this.#replies = replies;
    this.#isConnected = isConnected;
    this.#filter = filter;
    kernel.poller.watch(this, EPOLLIN);
  }

  /** Where it is bound. Throws a system error. */
  address(): SocketAddress {
    return localAddress(this.#kernel, this.fd);
  }

  /** Sends on those of the datagrams received from `start` until `end`: to the sender of others, from where that has sent to; or to whom it is connected. */
  send(start: number, end: number, flow: string | null = null): void {
    if (this.#isOpen) this.#trains.send(this.fd, { start, end, flow }, this.#onLost);
  }

  /** Replies to the senders of the datagrams received, each from where that was sent to. */
  reply(write: WriteReply): void {
    if (this.#isOpen) this.#replies().send(this.fd, write, this.#onLost);
  }

  /** Sends a datagram to whom it is connected. */
  sendOne(datagram: Buffer): void {
    const { calls } = this.#kernel;
    if (this.#isOpen && calls.write(this.fd, calls.pointerTo(datagram), datagram.length) < 0)
      this.#onLost(1, calls.errno());
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#tellDrops();
    this.#isOpen = false;
    this.#filter?.close();
    this.#kernel.poller.forget(this.fd);
    this.#kernel.calls.close(this.fd);
  }

  onEvents(events: number): void {
    this.#receive();
    if ((events & EPOLLERR) !== 0) this.#forgetErrors();
  }

  /** A datagram is lost, as on any hop, whatever it is that has no way. A refusal is what `#receive` would have been told. */
  readonly #onLost = (count: number, errno: number): void => {
    if (errno === EAGAIN || errno === ENOBUFS) this.emit('lost', count);
    if (errno !== ECONNREFUSED || !this.#isConnected) return;
    this.#refusal ??= systemError('sendmmsg', errno);
    setImmediate(() => this.#receive());
  };

  /** What the kernel keeps of errors takes room of what is received. */
  #forgetErrors(): void {
    const { calls, buffer } = this.#kernel;
    while (this.#isOpen && calls.recv(this.fd, buffer.pointer, 0, MSG_ERRQUEUE) >= 0);
  }

  /** Asked for when a batch was full and at the end, as /proc/net/udp forgets a closed socket. */
  #tellDrops(): void {
    if (!this.#isConnected) return;
    const drops = this.#kernel.options.drops(this.fd);
    if (drops > this.#drops) this.emit('lost', drops - this.#drops);
    this.#drops = drops;
  }

  /** An error is told before what came earlier, but ends the socket for most who hear of it: what came earlier goes first. */
  #receive(): void {
    if (!this.#isOpen) return;
    const batch = this.#batch;
    const errno = batch.receive(this.fd);
    const isPassing = PASSING.has(errno) || (!this.#isConnected && ICMP_ERRORS.has(errno));
    const failure = isPassing ? this.#refusal : systemError('recvmmsg', errno);
    if (errno !== 0 && errno !== EAGAIN) batch.receive(this.fd);
    if (batch.count > 0) this.emit('datagrams');
    if (!this.#isOpen) return;
    if (batch.isFull) {
      this.#kernel.poller.rewatch(this.fd, EPOLLIN);
      this.#tellDrops();
    }
    if (failure !== null) this.emit('error', failure);
  }
}

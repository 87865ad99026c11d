import { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';

import { CLOSE_ON_EXEC, NONBLOCK, systemError } from './calls.ts';
import { BATCH, DatagramBatch } from './datagram-batch.ts';
import { DatagramTrains, LOST } from './datagram-trains.ts';
import { EAGAIN, type Kernel } from './kernel.ts';
import { READABLE, type Watched } from './poller.ts';
import {
  AF_INET6,
  readSocketAddress,
  SOCKADDR_SIZE,
  sizeOfSocketAddress,
  writeSocketAddress,
} from './socket-address.ts';

const SOCK_DGRAM = 2;

interface End {
  readonly address: string;
  readonly port: number;
}

interface Binding extends End {
  readonly ipv6Only: boolean;
  readonly sharesPort: boolean;
  readonly bufferSize: number;
}

/** UDP sockets as the kernel has them. What one of them has received is in `received` while it emits 'datagrams', and no longer. */
export class BareDatagrams {
  readonly received: DatagramBatch;
  readonly #kernel: Kernel;
  readonly #trains: DatagramTrains;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.received = new DatagramBatch(kernel.calls);
    this.#trains = new DatagramTrains(kernel.calls, this.received);
  }

  /** Rejects with a system error. */
  async bind({ ipv6Only, sharesPort, bufferSize, ...end }: Binding): Promise<BareDatagramSocket> {
    const { options } = this.#kernel;
    return this.#open('bind', end, (fd, family) => {
      if (family === AF_INET6) options.ipv6Only(fd, ipv6Only);
      if (sharesPort) options.reusePort(fd);
      options.bufferSizes(fd, bufferSize);
    });
  }

  /** Only the peer's datagrams come in then, and its refusals (ICMP) are errors (udp(7)). Rejects with a system error. */
  async connect(peer: End): Promise<BareDatagramSocket> {
    return this.#open('connect', peer, () => {});
  }

  #open(
    operation: 'bind' | 'connect',
    { address, port }: End,
    prepare: (fd: number, family: number) => void,
  ): BareDatagramSocket {
    const { calls, address: memory } = this.#kernel;
    const family = writeSocketAddress(calls, memory.bytes, { address, port });
    const fd = calls.socket(family, SOCK_DGRAM | NONBLOCK | CLOSE_ON_EXEC, 0);
    if (fd < 0) throw calls.failure('socket');
    try {
      prepare(fd, family);
      if (calls[operation](fd, memory.pointer, sizeOfSocketAddress(memory.bytes)) < 0)
        throw systemError(operation, calls.errno(), `${address}:${port}`);
      return new BareDatagramSocket(this.#kernel, fd, this.received, this.#trains);
    } catch (cause) {
      calls.close(fd);
      throw cause;
    }
  }
}

/** One of them. Emits 'datagrams', and 'error' for what has befallen it, a refusal by its peer for one. */
export class BareDatagramSocket extends EventEmitter<{ datagrams: []; error: [Error] }> implements Watched {
  readonly fd: number;
  readonly #kernel: Kernel;
  readonly #batch: DatagramBatch;
  readonly #trains: DatagramTrains;
  #isOpen = true;

  /** Throws a system error. */
  constructor(kernel: Kernel, fd: number, batch: DatagramBatch, trains: DatagramTrains) {
    super();
    this.#kernel = kernel;
    this.fd = fd;
    this.#batch = batch;
    this.#trains = trains;
    kernel.poller.watch(this, READABLE);
  }

  /** Where it is bound. Throws a system error. */
  address(): Pick<AddressInfo, 'address' | 'port'> {
    const { calls, address, addressSize } = this.#kernel;
    addressSize.bytes.writeInt32LE(SOCKADDR_SIZE);
    if (calls.getsockname(this.fd, address.pointer, addressSize.pointer) < 0)
      throw calls.failure('getsockname');
    return readSocketAddress(address.bytes);
  }

  /**
   * Sends on those of the datagrams received from `start` until `end`, to who sent others or to whom it is connected. What there is no room for is
   * lost. Returns why the rest could not be sent, or null.
   */
  send(start: number, end: number, recipient: string | null = null): Error | null {
    const errno = this.#isOpen ? this.#trains.send(this.fd, { start, end, recipient }) : 0;
    return errno === 0 ? null : systemError('sendmmsg', errno);
  }

  /** Sends a datagram to whom it is connected; the same. */
  sendOne(datagram: Buffer): Error | null {
    const { calls } = this.#kernel;
    if (!this.#isOpen || calls.write(this.fd, calls.pointerTo(datagram), datagram.length) >= 0) return null;
    const errno = calls.errno();
    return LOST.has(errno) ? null : systemError('write', errno);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#kernel.poller.forget(this.fd);
    this.#kernel.calls.close(this.fd);
  }

  onEvents(): void {
    this.#receive();
    this.#kernel.poller.settle();
  }

  /** An error is told before what came earlier, but ends the socket for most who hear of it: what came earlier goes first. */
  #receive(): void {
    const batch = this.#batch;
    const errno = batch.receive(this.fd);
    const failure = errno === 0 || errno === EAGAIN ? null : systemError('recvmmsg', errno);
    if (failure !== null) batch.receive(this.fd);
    if (batch.count > 0) this.emit('datagrams');
    if (!this.#isOpen) return;
    if (batch.count === BATCH) this.#kernel.poller.rewatch(this.fd, READABLE);
    if (failure !== null) this.emit('error', failure);
  }
}

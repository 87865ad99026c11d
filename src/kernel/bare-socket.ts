import { Socket, type SocketConstructorOpts } from 'node:net';

import { EINTR, type Kernel } from './kernel.ts';
import { PEER_ENDED, READABLE, type Watched, WRITABLE } from './poller.ts';

const MSG_NOSIGNAL = 0x40_00;
const SHUT_WR = 1;

/** The far end of a connection. */
interface Remote {
  readonly address: string;
  readonly port: number;
}

/**
 * A TCP connection as the kernel has it: a descriptor, and nothing kept in this process. Who owns it reads and writes it directly, or has it
 * made a stream. Calls that can fail return -errno (errno(3)) then.
 */
export class BareSocket implements Watched {
  readonly fd: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly kernel: Kernel;
  /** Told what happens while it is watched. */
  listener: Pick<Watched, 'onEvents'> | null = null;
  /** What may have happened before there was a listener. */
  unheard = READABLE;
  /** What is watched for. */
  #events = 0;
  #isOpen = true;
  #stream: Socket | null = null;

  constructor(kernel: Kernel, fd: number, { address, port }: Remote) {
    this.kernel = kernel;
    this.fd = fd;
    this.remoteAddress = address;
    this.remotePort = port;
  }

  /** Whether it is neither closed nor a stream. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isStream(): boolean {
    return this.#stream !== null;
  }

  /** Watches for what comes, and for room to write where that is wanted. Throws a system error. */
  watch({ forRoom = false } = {}): void {
    const { poller } = this.kernel;
    const before = this.#events;
    this.#events |= READABLE | PEER_ENDED | (forRoom ? WRITABLE : 0);
    if (before === 0) poller.watch(this, this.#events);
    else if (this.#events !== before) poller.rewatch(this.fd, this.#events);
  }

  onEvents(events: number): void {
    if (this.listener === null) this.unheard |= events;
    else this.listener.onEvents(events);
  }

  /** Reads into the shared buffer; how many bytes, 0 at the end (recv(2)). */
  read(): number {
    const { calls, buffer } = this.kernel;
    for (;;) {
      const count = calls.recv(this.fd, buffer.pointer, buffer.bytes.length, 0);
      if (count >= 0) return count;
      const errno = calls.errno();
      if (errno !== EINTR) return -errno;
    }
  }

  /** Writes what the pointer leads to; how many bytes the kernel has taken (send(2)). */
  write(pointer: bigint, length: number): number {
    const { calls } = this.kernel;
    for (;;) {
      const count = calls.send(this.fd, pointer, length, MSG_NOSIGNAL);
      if (count >= 0) return count;
      const errno = calls.errno();
      if (errno !== EINTR) return -errno;
    }
  }

  /** Sends a FIN behind all that has been written. */
  end(): void {
    this.kernel.calls.shutdown(this.fd, SHUT_WR); // where it fails there is nobody to be told
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#leave();
    this.kernel.calls.close(this.fd);
  }

  /** Closes it with a reset, unless it is a stream. */
  reset(): void {
    if (!this.#isOpen) return;
    this.kernel.options.dropOnClose(this.fd);
    this.close();
  }

  /** The stream that owns the descriptor from the first time on that it is asked for; nothing has been read by then. What was closed is a stream that was. */
  get stream(): Socket {
    this.#stream ??= this.#isOpen ? this.#toStream() : new Socket().destroy();
    return this.#stream;
  }

  #toStream(): Socket {
    this.kernel.poller.unwatch(this.fd);
    this.#leave();
    const options: SocketConstructorOpts & { manualStart: boolean } = {
      fd: this.fd,
      allowHalfOpen: true,
      manualStart: true, // not public: nothing is read before somebody asks for it
    };
    // What fails it closes it, and who has it listens for that.
    return new Socket(options).on('error', () => {});
  }

  #leave(): void {
    this.#isOpen = false;
    if (this.#events !== 0) this.kernel.poller.forget(this.fd);
  }
}

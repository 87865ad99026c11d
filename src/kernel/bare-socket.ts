import { Socket, type SocketConstructorOpts } from 'node:net';

import { copyBytes, freeBytes } from '../lib/own-bytes.ts';
import { EPOLLERR, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP, MSG_MORE, MSG_PEEK, SHUT_WR } from './abi.ts';
import { systemError } from './calls.ts';
import { EBADF, ETIMEDOUT, type Kernel } from './kernel.ts';
import { localAddress } from './local-address.ts';
import type { Watched } from './poller.ts';
import type { SocketAddress } from './socket-address.ts';

const NOTHING = Buffer.alloc(0);

/**
 * A TCP connection as the kernel has it: a descriptor, and nothing kept in this process. Who owns it reads and writes it directly, or gives it away as a
 * stream. Until it is ended or closed in order it is reset when this process ends, however that ends. Calls that can fail return -errno (errno(3)) then; what
 * is not ours any more, -EBADF.
 */
export class BareSocket implements Watched {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly kernel: Kernel;
  /** Of `PeerWatch`. */
  index = -1;
  isProbed = false;
  owes = false;
  owingSince = Infinity;
  /** Told what happens while it is watched. */
  listener: Pick<Watched, 'onEvents' | 'onlyMovesBytes'> | null = null;
  /** What it has told, since it is watched, that nobody has acted on. */
  untaken = 0;
  readonly fd: number;
  /** In memory of its own. */
  #unread: Buffer = NOTHING;
  /** What is watched for. */
  #events = 0;
  #isOpen = true;
  #isCorked = false;
  #hasVanished = false;
  /** Whether its closing resets it (`dropOnClose`). */
  #drops = true;

  /** Of a descriptor whose closing resets it. */
  constructor(kernel: Kernel, fd: number, { address, port }: SocketAddress) {
    this.kernel = kernel;
    this.fd = fd;
    this.remoteAddress = address;
    this.remotePort = port;
    kernel.peers.add(this);
  }

  /** Whether it is neither closed nor given away. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isWatched(): boolean {
    return this.#events !== 0;
  }

  get onlyMovesBytes(): boolean {
    return this.listener?.onlyMovesBytes ?? false;
  }

  /** Watches for what comes, and for room to write where that is wanted. Throws a system error. */
  watch({ forRoom = false } = {}): void {
    if (!this.#isOpen) throw systemError('epoll_ctl', EBADF);
    const { poller } = this.kernel;
    const before = this.#events;
    this.#events |= EPOLLIN | EPOLLPRI | EPOLLRDHUP | (forRoom ? EPOLLOUT : 0);
    if (before === 0) poller.watch(this, this.#events);
    else if (this.#events !== before) poller.rewatch(this.fd, this.#events);
  }

  onEvents(events: number): void {
    if (this.listener === null) this.untaken |= events;
    else this.listener.onEvents(events);
  }

  /** Its peer is gone: it is as if the kernel had found out. */
  onVanished(): void {
    this.#hasVanished = true;
    this.onEvents(EPOLLERR);
  }

  /** What has been read of it and put back: it comes before what is in the kernel. */
  get unread(): Buffer {
    return this.#unread;
  }

  /** Takes all of that. */
  takeUnread(): Buffer {
    const unread = this.#unread;
    this.#unread = NOTHING;
    return unread;
  }

  /** Drops its first bytes; when it is all, its memory is given back. */
  dropUnread(length = this.#unread.length): void {
    if (length === this.#unread.length) freeBytes(this.takeUnread());
    else this.#unread = this.#unread.subarray(length);
  }

  /** Puts bytes before it, in memory of their own, which become the socket's. */
  putBack(bytes: Buffer): void {
    this.#unread = this.#unread.length === 0 ? bytes : copyBytes(Buffer.concat([bytes, this.#unread]));
  }

  /** Whether its peer has sent something, which nobody has taken yet. */
  hasUnread(): boolean {
    if (!this.#isOpen) return false;
    const { calls, buffer } = this.kernel;
    return this.#unread.length > 0 || calls.recv(this.fd, buffer.pointer, 1, MSG_PEEK) > 0;
  }

  /** Reads into the shared buffer, so many bytes at most; how many, 0 at the end (read(2)). */
  read(length = this.kernel.buffer.bytes.length): number {
    if (!this.#isOpen) return -EBADF;
    if (this.#hasVanished) return -ETIMEDOUT;
    const { calls, buffer } = this.kernel;
    return this.#result(calls.read(this.fd, buffer.pointer, length));
  }

  /** Undefined once it is gone, or where the kernel does not tell. */
  get localAddress(): string | undefined {
    return this.#local()?.address;
  }

  get localPort(): number | undefined {
    return this.#local()?.port;
  }

  #local(): SocketAddress | undefined {
    if (!this.#isOpen) return undefined;
    try {
      return localAddress(this.kernel, this.fd);
    } catch {
      return undefined;
    }
  }

  /** Holds back what is written from now on, so that more goes with it. */
  cork(): void {
    this.#isCorked = true;
  }

  /** Sends what has been held back. */
  uncork(): void {
    this.#isCorked = false;
    if (this.#isOpen) this.kernel.options.noDelay(this.fd);
  }

  /** Writes what the kernel takes at once; how many bytes. A signal of a broken pipe is Node's to ignore, which it does. */
  write(bytes: Buffer, start = 0, end = bytes.length): number {
    if (!this.#isOpen) return -EBADF;
    this.owes = true;
    const { calls, buffer } = this.kernel;
    const first = bytes === buffer.bytes ? buffer.pointer : calls.pointerTo(bytes);
    const pointer = start === 0 ? first : first + BigInt(start);
    const length = end - start;
    return this.#result(
      this.#isCorked ? calls.send(this.fd, pointer, length, MSG_MORE) : calls.write(this.fd, pointer, length),
    );
  }

  #result(result: number): number {
    return result < 0 ? -this.kernel.calls.errno() : result;
  }

  /** Sends a FIN behind all that has been written: that is complete, and stays so. */
  end(): void {
    if (!this.#isOpen) return;
    this.#dropOnClose(false);
    this.owes = true;
    this.kernel.calls.shutdown(this.fd, SHUT_WR); // where it fails there is nobody to be told
  }

  close(): void {
    this.#closeSo(false);
  }

  /** Closes it with a reset. */
  reset(): void {
    this.#closeSo(true);
  }

  #closeSo(drops: boolean): void {
    if (!this.#isOpen) return;
    this.#dropOnClose(drops);
    this.#leave();
    this.dropUnread();
    this.kernel.calls.close(this.fd);
  }

  #dropOnClose(drops: boolean): void {
    if (this.#drops !== drops) this.kernel.options.dropOnClose(this.fd, drops);
    this.#drops = drops;
  }

  /** Gives the descriptor away, with what nobody has read: to a stream of Node's, which owns it from now on. What was closed is a stream that was. */
  toStream(): Socket {
    if (!this.#isOpen) return new Socket().destroy();
    const { poller, options: socketOptions } = this.kernel;
    poller.unwatch(this.fd);
    this.#dropOnClose(false); // how a stream closes is Node's to say
    if (!this.isProbed) socketOptions.keepAlive(this.fd);
    this.isProbed = true;
    this.#leave();
    const options: SocketConstructorOpts & { manualStart: boolean } = {
      fd: this.fd,
      allowHalfOpen: true,
      manualStart: true, // not public: nothing is read before somebody asks for it
    };
    const stream = new Socket(options).on('error', () => {}); // 'close' follows
    const unread = this.takeUnread();
    if (unread.length > 0) stream.unshift(unread);
    return stream;
  }

  #leave(): void {
    this.#isOpen = false;
    this.kernel.peers.forget(this);
    if (this.#events !== 0) this.kernel.poller.forget(this.fd);
    this.#events = 0;
  }
}

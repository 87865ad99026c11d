import { EventEmitter } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { constants } from 'node:os';

import { EPOLLIN, SOCK_CLOEXEC, SOCK_NONBLOCK } from './abi.ts';
import { BareSocket } from './bare-socket.ts';
import { systemError } from './calls.ts';
import { holdToInterface, type InterfaceFilter } from './interface-filter.ts';
import { EAGAIN, type Kernel } from './kernel.ts';
import type { Watched } from './poller.ts';
import { readSocketAddress, LARGEST_SOCKADDR } from './socket-address.ts';

const { EBADF, EINVAL, ENOTSOCK } = constants.errno;
const { ECONNABORTED, EPROTO, ENOPROTOOPT, EOPNOTSUPP } = constants.errno;
const { ENETDOWN, ENETUNREACH, EHOSTUNREACH } = constants.errno;
/** How many clients are accepted before others have their turn. */
const BATCH = 8;
/** What will not pass: the listener is none any more (accept(2)). */
const FATAL = new Set([EBADF, EINVAL, ENOTSOCK]);
/** What has befallen one client alone, before it was accepted. Anything else is a shortage, of descriptors or memory. */
const PASSING = new Set([ECONNABORTED, EPROTO, ENOPROTOOPT, EOPNOTSUPP, ENETDOWN, ENETUNREACH, EHOSTUNREACH]);
/** How long accepting pauses then, in ms. */
const PAUSE = 20;

interface Options {
  /** Whether another client may come; else it waits in the backlog, and is asked about again. */
  readonly mayAccept: () => boolean;
  readonly accept: (client: BareSocket) => void;
}

/** Accepts clients as bare sockets. Emits 'error' when it listens no more, and 'short' when clients wait: with why, or null where they may not come. */
export class BareServer extends EventEmitter<{ error: [Error]; short: [Error | null] }> implements Watched {
  readonly fd: number;
  readonly isListener = true;
  readonly #kernel: Kernel;
  readonly #address: AddressInfo;
  readonly #options: Options;
  readonly #filter: InterfaceFilter;
  #pause: NodeJS.Timeout | undefined;
  #isOpen = true;
  /** Whether its next turn is coming. */
  #isWaiting = false;

  /**
   * Takes the place of a server that listens, which is closed: so address families, SO_REUSEPORT, backlog and errors of listening are Node's. Throws a system
   * error.
   */
  constructor(kernel: Kernel, server: Server, options: Options) {
    super();
    this.#kernel = kernel;
    this.#address = server.address() as AddressInfo;
    this.#options = options;
    const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle;
    this.fd = kernel.calls.duplicate(fd);
    if (this.fd < 0) throw kernel.calls.failure('fcntl');
    server.close();
    // Those that it accepts inherit all of these.
    kernel.options.noDelay(this.fd);
    kernel.options.inlineUrgent(this.fd);
    kernel.options.dropOnClose(this.fd, true);
    const { address } = this.#address;
    this.#filter = holdToInterface(kernel, this.fd, { address, protocol: 'tcp' });
    kernel.poller.watch(this, EPOLLIN);
  }

  address(): AddressInfo {
    return this.#address;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearTimeout(this.#pause);
    this.#filter.close();
    this.#kernel.poller.forget(this.fd);
    this.#kernel.calls.close(this.fd);
  }

  onEvents(): void {
    if (!this.#isWaiting) this.#acceptSome();
  }

  #acceptSome(): void {
    const { calls, address, addressSize } = this.#kernel;
    for (let accepted = 0; this.#isOpen; accepted++) {
      if (accepted === BATCH) return this.#waitForTurn();
      if (!this.#options.mayAccept()) {
        this.#pauseAccepting();
        if (accepted === 0) this.emit('short', null);
        return;
      }
      addressSize.bytes.writeInt32LE(LARGEST_SOCKADDR);
      const fd = calls.accept4(this.fd, address.pointer, addressSize.pointer, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        this.#options.accept(new BareSocket(this.#kernel, fd, readSocketAddress(calls, address.bytes)));
        continue;
      }
      const errno = calls.errno();
      if (errno === EAGAIN) return;
      if (PASSING.has(errno)) continue;
      if (FATAL.has(errno)) {
        this.close();
        this.emit('error', systemError('accept', errno));
        return;
      }
      this.#pauseAccepting();
      if (accepted === 0) this.emit('short', systemError('accept', errno));
      return;
    }
  }

  #waitForTurn(): void {
    this.#isWaiting = true;
    setImmediate(() => {
      this.#isWaiting = false;
      this.#acceptSome();
    });
  }

  /** A call that finds the process short of something fails before it looks whether there is a client; who watches anew is told when there is one. */
  #pauseAccepting(): void {
    this.#pause ??= setTimeout(() => {
      this.#pause = undefined;
      this.#kernel.poller.rewatch(this.fd, EPOLLIN);
    }, PAUSE);
  }
}

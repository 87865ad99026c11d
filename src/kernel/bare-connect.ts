import { EPOLLERR, EPOLLHUP, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from './abi.ts';
import { BareSocket } from './bare-socket.ts';
import { systemError } from './calls.ts';
import { EINPROGRESS, type Kernel } from './kernel.ts';
import { sizeOfSocketAddress, type SocketAddress, writeSocketAddress } from './socket-address.ts';

/** Connects to an address. Rejects with a system error, or with the signal's reason. */
export function connectBare(
  kernel: Kernel,
  { address, port }: SocketAddress,
  signal: AbortSignal,
): Promise<BareSocket> {
  const { calls, options, address: memory } = kernel;
  const { promise, resolve, reject } = Promise.withResolvers<BareSocket>();
  const failure = (operation: string, errno: number) => systemError(operation, errno, `${address}:${port}`);

  const family = writeSocketAddress(calls, memory.bytes, { address, port });
  const fd = calls.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Promise.reject(failure('socket', calls.errno()));
  options.noDelay(fd);
  options.inlineUrgent(fd);
  options.dropOnClose(fd, true);
  const socket = new BareSocket(kernel, fd, { address, port });
  const size = sizeOfSocketAddress(memory.bytes);
  if (calls.connect(fd, memory.pointer, size) < 0 && calls.errno() !== EINPROGRESS) {
    const cause = failure('connect', calls.errno());
    socket.close();
    return Promise.reject(cause);
  }

  const stop = () => {
    socket.listener = null;
    signal.removeEventListener('abort', onAbort);
  };
  const fail = (cause: unknown) => {
    stop();
    socket.reset(); // it may be connected by now, as far as the other end can tell: with a FIN it would have been sent all of nothing
    reject(cause);
  };
  const onAbort = () => fail(signal.reason);
  const onEvents = (events: number) => {
    const errno = (events & (EPOLLERR | EPOLLHUP)) === 0 ? 0 : options.error(fd);
    if (errno !== 0) return fail(failure('connect', errno));
    stop();
    socket.untaken = events;
    resolve(socket);
  };
  socket.listener = { onEvents };
  signal.addEventListener('abort', onAbort);
  try {
    socket.watch({ forRoom: true });
    if (signal.aborted) onAbort();
  } catch (cause) {
    fail(cause);
  }
  return promise;
}

import type { Kernel } from './kernel.ts';
import { readSocketAddress, LARGEST_SOCKADDR, type SocketAddress } from './socket-address.ts';

/** Where a socket is bound (getsockname(2)). Throws a system error. */
export function localAddress({ calls, address, addressSize }: Kernel, fd: number): SocketAddress {
  addressSize.bytes.writeInt32LE(LARGEST_SOCKADDR);
  if (calls.getsockname(fd, address.pointer, addressSize.pointer) < 0) throw calls.failure('getsockname');
  return readSocketAddress(calls, address.bytes);
}

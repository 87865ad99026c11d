import type { Protocol } from '../lib/protocol.ts';
import { AF_INET6, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_STREAM } from './abi.ts';
import { systemError } from './calls.ts';
import type { Kernel } from './kernel.ts';
import { type SocketAddress, sizeOfSocketAddress, writeSocketAddress } from './socket-address.ts';

interface Place extends SocketAddress {
  readonly protocol: Protocol;
  /** Whether an IPv6 socket takes no IPv4. */
  readonly ipv6Only: boolean;
}

/**
 * Binds a socket that shares its port with nobody who listens, and closes it. It does not listen itself, so no client comes meanwhile. Throws a system error:
 * EADDRINUSE where somebody listens, even if they share their port (SO_REUSEPORT, socket(7)).
 */
export function tryBind({ calls, options, address: memory }: Kernel, place: Place): void {
  const family = writeSocketAddress(calls, memory.bytes, place);
  const isTcp = place.protocol === 'tcp';
  const fd = calls.socket(family, (isTcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
  if (fd < 0) throw calls.failure('socket');
  try {
    // Connections that have ended do not hold it then (TIME_WAIT), listeners do.
    if (isTcp) options.reuseAddress(fd);
    if (family === AF_INET6) options.ipv6Only(fd, place.ipv6Only);
    if (calls.bind(fd, memory.pointer, sizeOfSocketAddress(memory.bytes)) < 0)
      throw systemError('bind', calls.errno(), `${place.address}:${place.port}`);
  } finally {
    calls.close(fd);
  }
}

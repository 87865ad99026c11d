import { SocketAddress as CanonicalAddress } from 'node:net';

import type { SocketAddress } from '../kernel/socket-address.ts';
import { endpoint } from './endpoint.ts';

/**
 * Whether a socket that has been connected is its own peer. Where nobody listens on a port of our own addresses, and the kernel happens to choose that
 * very port for us (ip_local_port_range of ip(7)), connecting succeeds: over TCP both ends open at once (RFC 9293 §3.5), and both are this socket.
 */
export function isItself(local: SocketAddress, peer: SocketAddress): boolean {
  return local.port === peer.port && canonical(local) === canonical(peer);
}

/** Why such a connection is none. */
export function nobodyListens({ address, port }: SocketAddress): Error {
  return new Error(`nobody listens on ${endpoint(address, port)}: it connected to itself`);
}

function canonical({ address }: SocketAddress): string {
  return new CanonicalAddress({ address, family: address.includes(':') ? 'ipv6' : 'ipv4' }).address;
}

import { Socket } from 'node:net';

import type { BareSocket } from '../../kernel/bare-socket.ts';
import { hasLostWrites } from './outlive-writes.ts';

/** A TCP connection: bare for as long as nobody needs a stream, where this Node can do that. */
export type TcpSocket = Socket | BareSocket;

/** It as a bare socket, which may have been closed; null once it is a stream. */
export function bareOf(socket: TcpSocket): BareSocket | null {
  return socket instanceof Socket || socket.isStream ? null : socket;
}

/** It as a bare socket, which it is from now on; null where that cannot be (`BareSocket.reclaim`). */
export function reclaim(socket: TcpSocket): BareSocket | null {
  if (socket instanceof Socket) return null;
  return !(socket.isStream && hasLostWrites(socket.stream)) && socket.reclaim() ? socket : null;
}

/** It as a stream, which it is from now on. */
export function streamOf(socket: TcpSocket): Socket {
  return socket instanceof Socket ? socket : socket.stream;
}

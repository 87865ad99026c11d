import { Socket } from 'node:net';

import type { BareSocket } from '../../kernel/bare-socket.ts';
import { BareTcpSocket } from './bare-tcp-socket.ts';
import { StreamTcpSocket } from './stream-tcp-socket.ts';
import type { TcpSocket } from './tcp-socket.ts';

/** Takes a connection over. Sockets that write to each other must be of one kind: what a bare one reads lies in the shared buffer. */
export function toTcpSocket(socket: Socket | BareSocket): TcpSocket {
  return socket instanceof Socket ? new StreamTcpSocket(socket) : new BareTcpSocket(socket);
}

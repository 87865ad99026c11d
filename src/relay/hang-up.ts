import type { Socket } from 'node:net';

import { LINGER } from './end.ts';

/**
 * Says a last thing and ends a connection so that it is read: what the other side still sends is read and dropped, since closing a socket
 * with something unread resets it (RFC 2525 §2.17), and a reset throws away what has arrived.
 */
export function hangUp(socket: Socket, lastWords: Buffer | string = ''): void {
  socket.on('error', () => {});
  socket.end(lastWords);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.once('close', () => clearTimeout(timer));
}

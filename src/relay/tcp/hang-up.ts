import type { Socket } from 'node:net';

import { LINGER } from './end.ts';

/**
 * Says a last thing and ends a connection so that it is read; resolves when it is closed, after 5 s at the latest. Until then what the other side still
 * sends is read and dropped: closing a socket with something unread resets it (RFC 2525 §2.17), and a reset throws away what has arrived.
 */
export async function hangUp(socket: Socket, lastWords: Buffer | string = ''): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  if (socket.closed) return;
  socket.on('error', () => {}).once('close', () => resolve());
  socket.end(lastWords);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER);
  await closed;
  clearTimeout(timer);
}

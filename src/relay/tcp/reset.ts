import type { Socket } from 'node:net';

/**
 * Ends a stream with a reset. While a FIN is under way libuv refuses that (uv_tcp_close_reset gives EINVAL), and Node would never close
 * the socket: as all that was to be said has been said then, the FIN stands.
 */
export function reset(socket: Socket): void {
  const isFinishing = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isFinishing) socket.destroy();
  else socket.resetAndDestroy();
}

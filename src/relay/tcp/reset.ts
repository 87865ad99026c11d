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

/**
 * Ends a stream that is connecting with a reset, as the other end may have been connected to already: with a FIN it would have been sent all of nothing. Node
 * itself would wait until it is told of that. To be called once the kernel has been asked to connect: libuv cannot reset what has no descriptor.
 */
export function resetConnecting(socket: Socket): void {
  (socket as { connecting: boolean }).connecting = false;
  socket.resetAndDestroy();
}

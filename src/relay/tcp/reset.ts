import { bareOf, streamOf, type TcpSocket } from './tcp-socket.ts';

/**
 * Ends a connection with a reset. While a FIN is under way libuv refuses that (uv_tcp_close_reset gives EINVAL), and Node would never close
 * the socket: as all that was to be said has been said then, the FIN stands.
 */
export function reset(socket: TcpSocket): void {
  const bare = bareOf(socket);
  if (bare !== null) return bare.reset();
  const stream = streamOf(socket);
  const isFinishing = stream.writableEnded && !stream.writableFinished && stream.writableLength === 0;
  if (isFinishing) stream.destroy();
  else stream.resetAndDestroy();
}

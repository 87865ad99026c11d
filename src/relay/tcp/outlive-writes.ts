import { Socket } from 'node:net';

type Done = (error?: NodeJS.ErrnoException | null) => void;

/** Sockets of which a write has vanished. */
const losers = new WeakSet<Socket>();

/**
 * A socket whose peer has gone away fails its writes, and Node then destroys it with what the peer said last unread: an early reply
 * to an upload, such as a 413. Here such writes vanish instead, and reading goes on; as the error has been used up by then, the kernel
 * ends it with an EOF where a reset had come.
 */
export function outliveWrites(socket: Socket): void {
  socket._write = write;
  socket._writev = writev;
}

/** Has a write that failed vanish, where its peer is gone. Returns whether it does. */
function loseWrite(socket: Socket, { code }: NodeJS.ErrnoException): boolean {
  if (code !== 'EPIPE' && code !== 'ECONNRESET') return false;
  losers.add(socket);
  return true;
}

/** Whether a write has vanished: then an EOF proves nothing. */
export function hasLostWrites(socket: Socket): boolean {
  return losers.has(socket);
}

function write(this: Socket, chunk: unknown, encoding: BufferEncoding, done: Done): void {
  Socket.prototype._write.call(this, chunk, encoding, outliving(this, done));
}

function writev(this: Socket, chunks: { chunk: unknown; encoding: BufferEncoding }[], done: Done): void {
  Socket.prototype._writev?.call(this, chunks, outliving(this, done));
}

function outliving(socket: Socket, done: Done): Done {
  return (error) => (error && loseWrite(socket, error) ? done() : done(error));
}

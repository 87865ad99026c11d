import type { Socket } from 'node:net';

type Done = (error?: NodeJS.ErrnoException | null) => void;

/** Sockets that outlive their writes, and whether one has failed. */
const outliving = new WeakMap<Socket, { hasFailed: boolean }>();

/**
 * A socket whose peer has gone away fails its writes, and Node then destroys it with what the peer said last unread: an early reply
 * to an upload, such as a 413. Here such writes vanish instead, and reading goes on; as the error has been used up by then, the kernel
 * ends it with an EOF where a reset had come.
 */
export function outliveWrites(socket: Socket): void {
  if (outliving.has(socket)) return;
  const state = { hasFailed: false };
  outliving.set(socket, state);

  const swallow =
    (done: Done): Done =>
    (error) => {
      if (error?.code !== 'EPIPE' && error?.code !== 'ECONNRESET') return done(error);
      state.hasFailed = true;
      return done();
    };
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  socket._write = (chunk, encoding, done) => write(chunk, encoding, swallow(done));
  if (writev !== undefined) socket._writev = (chunks, done) => writev(chunks, swallow(done));
}

/** Whether a write has vanished: then an EOF proves nothing. */
export function hasLostWrites(socket: Socket): boolean {
  return outliving.get(socket)?.hasFailed === true;
}

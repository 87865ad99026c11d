import type { Socket } from 'node:net';

/** How a connection ended: both directions to their end, aborted by one side, without a byte for too long, or cut off by us. */
export type Ending = 'finished' | 'client aborted' | 'target aborted' | 'idle' | 'cut off';

/** How long the other side may take to read what was said to it before an abort, in ms. */
const LINGER = 5_000;

/**
 * Moves bytes both ways until both sockets are closed, and owns them from then on. A FIN is passed on as a FIN, and the other
 * direction lives until its own end. A side that is cut off (reset, error, destroyed) has the other one reset, after what it said before
 * has been written: a truncated transfer never looks complete. Both are reset after `idleTimeout` ms without a byte (0 for never).
 */
export async function splice(client: Socket, upstream: Socket, idleTimeout: number): Promise<Ending> {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  let ending: Ending = 'finished';

  const watch = (source: Socket, sink: Socket, aborted: Ending) => {
    const onClose = () => {
      const isWhole = source.readableEnded && source.writableFinished;
      if (!isWhole && ending === 'finished') ending = source.errored === null ? 'cut off' : aborted;
      if (!isWhole && !sink.destroyed) abort(source, sink);
      if (sink.closed) close();
    };
    if (source.closed) onClose();
    else source.once('close', onClose);
  };
  watch(client, upstream, 'client aborted');
  watch(upstream, client, 'target aborted');

  forward(client, upstream);
  forward(upstream, client);
  // Every byte passes the client's socket, so its timer sees both directions.
  client.setTimeout(idleTimeout, () => {
    ending = 'idle';
    client.resetAndDestroy();
    upstream.resetAndDestroy();
  });
  await closed;
  return ending;
}

function forward(source: Socket, sink: Socket): void {
  source.on('data', (chunk) => {
    if (!sink.destroyed && !sink.write(chunk)) source.pause();
  });
  sink.on('drain', () => source.resume());
  if (source.readableEnded) sink.end();
  else source.once('end', () => sink.end());
}

/**
 * The source is gone. If its FIN had come, all that it said is complete and the sink may read it to the end, while what the sink
 * still sends has nowhere to go; a reset at once would throw away what waits in the kernel's send buffer (tcp(7), SO_LINGER).
 */
function abort(source: Socket, sink: Socket): void {
  const timer = setTimeout(() => sink.resetAndDestroy(), LINGER);
  sink.once('close', () => clearTimeout(timer));
  if (source.readableEnded) sink.resume();
  else sink.write('', () => sink.resetAndDestroy());
}

import type { Socket } from 'node:net';

import { hasLostWrites, outliveWrites } from './outlive-writes.ts';
import { reset } from './reset.ts';

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

  /** Whether all that a side had to say has come, as its FIN tells. */
  const isComplete = (side: Socket) => side.readableEnded && !hasLostWrites(side);

  const join = (source: Socket, sink: Socket, aborted: Ending) => {
    outliveWrites(source);
    source.on('data', (chunk) => {
      if (!sink.destroyed && !sink.write(chunk)) source.pause();
    });
    sink.on('drain', () => source.resume());

    const onEnd = () => {
      if (isComplete(source)) sink.end();
      else source.destroy(new Error('it was reset'));
    };
    if (source.readableEnded) onEnd();
    else source.once('end', onEnd);
    source.resume(); // what has been looked into is paused

    const onClose = () => {
      const isWhole = isComplete(source) && source.writableFinished;
      if (!isWhole && ending === 'finished') ending = source.errored === null ? 'cut off' : aborted;
      if (!isWhole && !sink.destroyed) abort(sink, { afterAll: isComplete(source) });
      if (sink.closed) close();
      else sink.setTimeout(idleTimeout, cut);
    };
    if (source.closed) onClose();
    else source.once('close', onClose);
  };
  const cut = () => {
    ending = 'idle';
    reset(client);
    reset(upstream);
  };
  // Every byte passes the client's socket while it is there, so one timer sees both directions.
  client.setTimeout(idleTimeout, cut);
  join(client, upstream, 'client aborted');
  join(upstream, client, 'target aborted');
  await closed;
  return ending;
}

/**
 * Resets the side that is left. With `afterAll` it has been sent a FIN, and may first read to the end, while what it still sends has
 * nowhere to go; a reset at once would throw away what waits in the kernel's send buffer (tcp(7), SO_LINGER).
 */
function abort(sink: Socket, { afterAll }: { readonly afterAll: boolean }): void {
  const timer = setTimeout(() => reset(sink), LINGER);
  sink.once('close', () => clearTimeout(timer));
  if (afterAll) sink.resume();
  else sink.write('', () => reset(sink));
}

import type { Socket } from 'node:net';

import { IdleTimer } from './idle-timer.ts';
import type { Meter } from './meter.ts';
import { hasLostWrites, outliveWrites } from './outlive-writes.ts';
import { pump } from './pump.ts';
import { reset } from './reset.ts';

/** How a connection ended: both directions to their end, aborted by one side, without a byte for too long, or cut off by us. */
export type Ending = 'finished' | 'client aborted' | 'target aborted' | 'idle' | 'cut off';

interface Options {
  /** Both sockets are reset after so long without a byte, in ms; 0 for never. */
  readonly idleTimeout: number;
  /** Counts what is moved. */
  readonly meter: Meter;
}

/** How long the other side may take to read what was said to it before an abort, in ms. */
export const LINGER = 5_000;

/**
 * Moves bytes both ways until both sockets are closed, and owns them from then on. A FIN is passed on as a FIN, and the other
 * direction lives until its own end. A side that is cut off (reset, error, destroyed) has the other one reset, after what it said before
 * has been written: a truncated transfer never looks complete.
 */
export function splice(client: Socket, upstream: Socket, { idleTimeout, meter }: Options): Promise<Ending> {
  const { promise: closed, resolve: close } = Promise.withResolvers<Ending>();
  let ending: Ending = 'finished';

  const idle = new IdleTimer(idleTimeout, () => {
    ending = 'idle';
    reset(client);
    reset(upstream);
  });

  /** Whether all that a side had to say has come, as its FIN tells. */
  const isComplete = (side: Socket) => side.readableEnded && !hasLostWrites(side);

  const join = (source: Socket, sink: Socket, aborted: Ending) => {
    const onEnd = () => {
      if (isComplete(source)) sink.end();
      else source.destroy(new Error('it was reset'));
    };
    const onClose = () => {
      const isWhole = isComplete(source) && source.writableFinished;
      if (!isWhole && ending === 'finished') ending = source.errored === null ? 'cut off' : aborted;
      if (!isWhole && !sink.destroyed) abort(sink, { afterAll: isComplete(source) });
      if (!sink.closed) return;
      idle.stop();
      close(ending);
    };
    outliveWrites(source);
    if (source.readableEnded) onEnd();
    else source.once('end', onEnd);
    if (source.closed) onClose();
    else source.once('close', onClose);
  };
  join(client, upstream, 'client aborted');
  join(upstream, client, 'target aborted');
  pump(client, upstream, (count) => {
    meter.addSent(count);
    idle.touch();
  });
  pump(upstream, client, (count) => {
    meter.addReceived(count);
    idle.touch();
  });
  return closed;
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

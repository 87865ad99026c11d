import type { Socket } from 'node:net';

import type { BareSocket } from '../../kernel/bare-socket.ts';
import { FAILED, HUNG_UP, PEER_ENDED } from '../../kernel/poller.ts';
import { bareOf, streamOf, type TcpSocket } from './tcp-socket.ts';

interface Options {
  /** Whether a FIN that comes without a byte before it is leaving, too: there is nothing to relay then. */
  readonly byFin: boolean;
  readonly onLeft: () => void;
}

/**
 * Notices when a client leaves whom nobody reads, by a reset or a FIN; returns what ends that. A bare one is not read for that. A stream reads ahead, at most
 * one buffer (64 KiB), and its 'close' tells of a reset.
 */
export function noticeLeaving(client: TcpSocket, options: Options): () => void {
  const bare = bareOf(client);
  return bare === null ? watchStream(streamOf(client), options) : watchBare(bare, options);
}

function watchBare(client: BareSocket, { byFin, onLeft }: Options): () => void {
  const onEvents = (events: number) => {
    client.unheard |= events;
    const isReset = (events & (FAILED | HUNG_UP)) !== 0;
    const hasEnded = byFin && (events & PEER_ENDED) !== 0;
    if (isReset || (hasEnded && !client.hasUnread())) onLeft();
    client.kernel.poller.settle();
  };
  const listener = { onEvents };
  client.listener = listener;
  client.watch();
  // What it was told of while nobody listened is not told again.
  if (client.unheard !== 0) onEvents(client.unheard);
  return () => {
    if (client.listener === listener) client.listener = null;
  };
}

function watchStream(client: Socket, { byFin, onLeft }: Options): () => void {
  const onEnd = () => {
    if (client.bytesRead === 0 && client.readableLength === 0) onLeft();
  };
  if (byFin) client.once('end', onEnd);
  client.read(0);
  return () => client.off('end', onEnd);
}

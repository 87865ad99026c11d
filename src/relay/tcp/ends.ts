import { BareEnd } from './bare-end.ts';
import type { End } from './end.ts';
import { StreamEnd } from './stream-end.ts';
import { reclaim, streamOf, type TcpSocket } from './tcp-socket.ts';

/** A connection as an end, bare where it can be. Ends that write to each other must be of one kind: what a bare one tells lies in the shared buffer. */
export function endOf(socket: TcpSocket): End {
  const bare = reclaim(socket);
  return bare === null ? new StreamEnd(streamOf(socket)) : new BareEnd(bare);
}

/** Two connections as ends of one kind, so that one may write what the other has read. */
export function endsOf(one: TcpSocket, other: TcpSocket): readonly [End, End] {
  const first = reclaim(one);
  const second = first && reclaim(other);
  return first !== null && second !== null
    ? [new BareEnd(first), new BareEnd(second)]
    : [new StreamEnd(streamOf(one)), new StreamEnd(streamOf(other))];
}

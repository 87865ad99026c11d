import { Socket } from 'node:net';

import type { BareSocket } from '../../kernel/bare-socket.ts';
import { BareEnd } from './bare-end.ts';
import type { End } from './end.ts';
import { StreamEnd } from './stream-end.ts';

/** A connection as an end, which owns it from now on. Ends that write to each other must be of one kind: what a bare one tells lies in the shared buffer. */
export function endOf(socket: Socket | BareSocket): End {
  return socket instanceof Socket ? new StreamEnd(socket) : new BareEnd(socket);
}

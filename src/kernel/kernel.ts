import { constants } from 'node:os';

import { allocate, type Calls, loadCalls, type Memory } from './calls.ts';
import { LinkWatch } from './link-watch.ts';
import { PeerWatch } from './peer-watch.ts';
import { Poller } from './poller.ts';
import { LARGEST_SOCKADDR } from './socket-address.ts';
import { SocketOptions } from './socket-options.ts';

export const { EAGAIN, EBADF, ECONNRESET, EINPROGRESS, EPIPE, ETIMEDOUT } = constants.errno;

/**
 * What is read at a time at most, in bytes. CPU s a GB by size: 64 KiB 0.69, 128 KiB 0.59, 256 KiB 0.48, 512 KiB 0.44, 1 MiB 0.40; HAProxy takes 0.94.
 */
const BUFFER_SIZE = 256 * 1024;

/** What the bare sockets of one thread share. */
export interface Kernel {
  readonly calls: Calls;
  readonly poller: Poller;
  /** All sockets are read into it: what has been read is written, or copied, before anything else is read. */
  readonly buffer: Memory;
  /** Whether what is in it is still somebody's. */
  isBufferTaken: boolean;
  readonly options: SocketOptions;
  readonly peers: PeerWatch;
  readonly links: LinkWatch;
  /** For an address that a call takes or gives. */
  readonly address: Memory;
  /** For its size, where a call gives one. */
  readonly addressSize: Memory;
}

let opened: Kernel | null | undefined;

/** This thread's, opened once; null where this Node cannot call C, and `onFailure` is told why. */
export function openKernel(onFailure: (cause: unknown) => void = () => {}): Kernel | null {
  if (opened === undefined) opened = open(onFailure);
  return opened;
}

function open(onFailure: (cause: unknown) => void): Kernel | null {
  try {
    const calls = loadCalls();
    const options = new SocketOptions(calls);
    const poller = new Poller(calls);
    return {
      calls,
      poller,
      buffer: allocate(calls, BUFFER_SIZE),
      isBufferTaken: false,
      options,
      peers: new PeerWatch(options),
      links: new LinkWatch(calls, poller),
      address: allocate(calls, LARGEST_SOCKADDR),
      addressSize: allocate(calls, Int32Array.BYTES_PER_ELEMENT),
    };
  } catch (cause) {
    onFailure(cause);
    return null;
  }
}

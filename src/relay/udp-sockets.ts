import type { EventEmitter } from 'node:events';

import { BareDatagrams } from '../kernel/bare-datagrams.ts';
import { openKernel } from '../kernel/kernel.ts';
import type { Log } from '../log.ts';

/** Datagrams that a socket has received together. */
export interface Datagrams {
  /** How many. */
  readonly count: number;
  /** In bytes. */
  readonly size: (i: number) => number;
  readonly copy: (i: number) => Buffer;
  /** What stands for who sent one; the same for the same. */
  readonly sender: (i: number) => string;
  readonly isOfSameSender: (i: number, j: number) => boolean;
  readonly addressOf: (sender: string) => End;
}

export interface End {
  readonly address: string;
  readonly port: number;
}

/** Emits 'datagrams', and 'error' for what has befallen it. */
export interface UdpSocket extends EventEmitter<{ datagrams: []; error: [Error] }> {
  readonly address: () => End;
  /**
   * Sends on those of the datagrams received from `start` until `end`, to the sender of others or to whom it is connected. What there is no room for
   * is lost, as on any hop. Returns why the rest could not be sent, or null.
   */
  readonly send: (start: number, end: number, recipient?: string | null) => Error | null;
  /** Sends a datagram to whom it is connected; the same. */
  readonly sendOne: (datagram: Buffer) => Error | null;
  readonly close: () => void;
}

/** Opens UDP sockets. Rejects with system errors. */
export interface UdpSockets {
  /** What one of the sockets has received, while it emits 'datagrams' and no longer. */
  readonly received: Datagrams;
  readonly bind: (
    place: End & {
      /** Whether an IPv6 socket takes no IPv4. */
      readonly ipv6Only: boolean;
      /** Whether others may listen there as well (SO_REUSEPORT, socket(7)). */
      readonly sharesPort: boolean;
      /** Asked of the kernel for each direction, in bytes; it gives no more than net.core.rmem_max and wmem_max. */
      readonly bufferSize: number;
    },
  ) => Promise<UdpSocket>;
  /** Only the peer's datagrams come in then, and its refusals (ICMP) come as errors (udp(7)). */
  readonly connect: (peer: End) => Promise<UdpSocket>;
}

/** Bare ones, many datagrams at a time, where this Node can do that. */
export async function openUdpSockets(log: Log): Promise<UdpSockets> {
  const kernel = openKernel((err) =>
    log.warn({ err }, 'C cannot be called: datagrams are relayed one by one, which is slower'),
  );
  return kernel === null ? (await import('./dgram-sockets.ts')).dgramSockets() : new BareDatagrams(kernel);
}

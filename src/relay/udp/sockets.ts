import type { EventEmitter } from 'node:events';

import { BareDatagrams, type Binding, type DatagramSocketOptions } from '../../kernel/bare-datagrams.ts';
import type { WriteReply } from '../../kernel/datagram-replies.ts';
import { openKernel } from '../../kernel/kernel.ts';
import type { SocketAddress } from '../../kernel/socket-address.ts';
import type { Log } from '../../log/log.ts';
import type { ListenAddress } from '../relay.ts';

/** For a burst that comes while we are busy, or is faster than the link behind us, in bytes. */
export const SOCKET_BUFFER = 4 * 1024 * 1024;

/** Datagrams that a socket has received together. */
export interface Datagrams {
  /** How many. */
  readonly count: number;
  /** Whether no more could have been received together. */
  readonly isFull: boolean;
  /** In bytes. */
  readonly size: (i: number) => number;
  /** Its bytes, for as long as it is one of these. */
  readonly bytes: (i: number) => Buffer;
  readonly copy: (i: number) => Buffer;
  /** What stands for who sent one and, where C can be called, to which of our addresses; the same for the same. */
  readonly flow: (i: number) => string;
  readonly isOfSameFlow: (i: number, j: number) => boolean;
  /** Of the sender. */
  readonly addressOf: (flow: string) => SocketAddress;
  /** What stands for the address of ours that one was sent to, the same for the same; '' where that is not known. */
  readonly destination: (i: number) => string;
  /** Of one that is known. */
  readonly addressOfDestination: (destination: string) => string;
}

/**
 * Emits 'datagrams'; 'lost' with a number, for those that there was no room to send or, if it is connected and bare, to receive; and 'error' for what has
 * befallen it, a refusal by its peer for one.
 */
export interface UdpSocket extends EventEmitter<{ datagrams: []; lost: [number]; error: [Error] }> {
  readonly address: () => SocketAddress;
  /**
   * Sends on those of the datagrams received from `start` until `end`: to the sender of others, from where that has sent to (as far as their flow tells); or to
   * whom it is connected.
   */
  readonly send: (start: number, end: number, flow?: string | null) => void;
  /** Replies to the senders of the datagrams received, each from where that was sent to (as far as that is known). */
  readonly reply: (write: WriteReply) => void;
  /** Sends a datagram to whom it is connected. */
  readonly sendOne: (datagram: Buffer) => void;
  readonly close: () => void;
}

/** Opens UDP sockets. Rejects with system errors. */
export interface UdpSockets {
  /** What one of the sockets has received, while it emits 'datagrams' and no longer. */
  readonly received: Datagrams;
  readonly bind: (at: Binding) => Promise<UdpSocket>;
  /** Only the peer's datagrams come in then, and its refusals (ICMP) come as errors (udp(7)). */
  readonly connect: (peer: DatagramSocketOptions) => Promise<UdpSocket>;
}

/** Bare ones, many datagrams at a time, where this Node can do that. */
export async function openUdpSockets(log: Log): Promise<UdpSockets> {
  const sayOneByOne = (err: unknown) =>
    log.warn({ err }, 'C cannot be called: datagrams are relayed one by one, which is slower');
  const kernel = openKernel(sayOneByOne);
  try {
    if (kernel !== null) return new BareDatagrams(kernel);
  } catch (cause) {
    sayOneByOne(cause);
  }
  return (await import('./dgram-sockets.ts')).dgramSockets();
}

/** Binds to one address, or to all: IPv6's socket takes IPv4 too, where the host has IPv6. Rejects with a system error. */
export async function bindAt(
  sockets: UdpSockets,
  { address, port }: ListenAddress,
  { sharesPort }: Pick<Binding, 'sharesPort'>,
): Promise<UdpSocket> {
  const how = { port, sharesPort, bufferSize: SOCKET_BUFFER };
  if (address !== null) return sockets.bind({ ...how, address, ipv6Only: true });
  try {
    return await sockets.bind({ ...how, address: '::', ipv6Only: false });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') throw cause;
    return sockets.bind({ ...how, address: '0.0.0.0', ipv6Only: false });
  }
}

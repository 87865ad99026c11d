import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { EventEmitter, once } from 'node:events';
import { isIPv6 } from 'node:net';

import { LARGEST_REPLY, type WriteReply } from '../../kernel/datagram-replies.ts';
import type { SocketAddress } from '../../kernel/socket-address.ts';
import type { Datagrams, UdpSocket, UdpSockets } from './sockets.ts';

/** What stands for every address of a family. */
const ALL = new Set(['::', '0.0.0.0']);

/**
 * Opens UDP sockets of node:dgram, for where no C can be called. They do not know to which of our addresses a datagram was sent, so where there are several,
 * BIND must name each; nor do they learn what the own link drops, or of ICMP errors but refusals.
 */
export function dgramSockets(): UdpSockets {
  const received = new OneDatagram();

  async function open(
    { address }: SocketAddress,
    options: Partial<SocketOptions>,
    event: 'listening' | 'connect',
    start: (socket: Socket) => void,
  ): Promise<UdpSocket> {
    const family = isIPv6(address) ? 6 : 4;
    const socket = createSocket({
      type: `udp${family}`,
      // It is given addresses, never names: there is nothing to look up or to wait for.
      lookup: (host, _options, done) => done(null, host, family),
      ...options,
    });
    try {
      const opened = once(socket, event);
      start(socket);
      await opened;
      return new DgramSocket(socket, received);
    } catch (cause) {
      socket.close();
      throw cause;
    }
  }

  return {
    received,
    bind: ({ address, port, ipv6Only, sharesPort, bufferSize }) =>
      open(
        { address, port },
        {
          ipv6Only: ipv6Only && isIPv6(address),
          reusePort: sharesPort,
          recvBufferSize: bufferSize,
          sendBufferSize: bufferSize,
        },
        'listening',
        (socket) => socket.bind({ address, port }),
      ),
    connect: ({ address, port, bufferSize }) =>
      open(
        { address, port },
        { recvBufferSize: bufferSize, sendBufferSize: bufferSize },
        'connect',
        // Without it Node binds by itself, and where that fails puts off our close() for ever.
        (socket) => socket.bind(0, () => socket.connect(port, address)),
      ),
  };
}

/** node:dgram hands them over one by one. */
class OneDatagram implements Datagrams {
  readonly count = 1;
  /** Nobody can tell whether there are more. */
  readonly isFull = false;
  datagram = Buffer.alloc(0);
  from: SocketAddress = { address: '', port: 0 };
  /** Where its socket is bound to one address. */
  to = '';

  size(): number {
    return this.datagram.length;
  }

  bytes(): Buffer {
    return this.datagram;
  }

  copy(): Buffer {
    return this.datagram;
  }

  flow(): string {
    return `${this.from.port} ${this.from.address}`;
  }

  isOfSameFlow(): boolean {
    return true;
  }

  addressOf(flow: string): SocketAddress {
    const [port, address = ''] = flow.split(' ');
    return { address, port: Number(port) };
  }

  destination(): string {
    return this.to;
  }

  addressOfDestination(destination: string): string {
    return destination;
  }
}

class DgramSocket
  extends EventEmitter<{ datagrams: []; lost: [number]; error: [Error] }>
  implements UdpSocket
{
  readonly #socket: Socket;
  readonly #received: OneDatagram;
  #isOpen = true;

  constructor(socket: Socket, received: OneDatagram) {
    super();
    this.#socket = socket;
    this.#received = received;
    const { address } = socket.address();
    const bound = ALL.has(address) ? '' : address;
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      // Of a datagram that was too large for its path.
      if (cause.code !== 'EMSGSIZE') this.emit('error', cause);
    });
    socket.on('message', (datagram, from) => {
      received.datagram = datagram;
      received.from = from;
      received.to = bound;
      this.emit('datagrams');
    });
  }

  address(): SocketAddress {
    return this.#socket.address();
  }

  // Without a callback, Node tells nobody of what cannot be sent.
  send(_start: number, _end: number, flow: string | null = null): void {
    const { datagram } = this.#received;
    if (flow === null) this.#socket.send(datagram);
    else {
      const { address, port } = this.#received.addressOf(flow);
      this.#socket.send(datagram, port, address);
    }
  }

  reply(write: WriteReply): void {
    const room = Buffer.allocUnsafe(LARGEST_REPLY);
    const length = write(0, room);
    const { address, port } = this.#received.from;
    // Node throws at port 0, from where a datagram may come all the same.
    if (length > 0 && port > 0) this.#socket.send(room, 0, length, port, address);
  }

  sendOne(datagram: Buffer): void {
    this.#socket.send(datagram);
  }

  close(): void {
    if (this.#isOpen) this.#socket.close();
    this.#isOpen = false;
  }
}

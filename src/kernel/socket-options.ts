import {
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_RECVERR,
  IPV6_RECVPKTINFO,
  IPV6_V6ONLY,
  IP_PKTINFO,
  IP_RECVERR,
  LINGER,
  MEMINFO,
  SOL_SOCKET,
  SOL_UDP,
  SO_ATTACH_FILTER,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_MEMINFO,
  SO_OOBINLINE,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  TCP_INFO,
  TCP_INFO_OF,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_NODELAY,
  UDP_SEGMENT,
} from './abi.ts';
import { allocate, type Calls, type Memory } from './calls.ts';

/** A connection that has been idle this long is probed, so that a peer that vanished gives its slot up, in ms. */
export const KEEP_ALIVE_DELAY = 60_000;
/** As libuv sets them: a second between probes, ten of them. */
const KEEP_ALIVE_INTERVAL = 1;
const KEEP_ALIVE_COUNT = 10;

/** What has become of what a socket was given to send. */
export interface Delivery {
  /** Whether some of it has not been acknowledged. */
  readonly isPending: boolean;
  /** How often it has been sent again, or room for it been asked for, since the peer answered last. */
  readonly tries: number;
  /** How long the peer has acknowledged nothing, in ms. */
  readonly silence: number;
}

/** Sets and reads options of sockets (socket(7), tcp(7)). */
export class SocketOptions {
  readonly #calls: Calls;
  readonly #on: Memory;
  readonly #idle: Memory;
  readonly #interval: Memory;
  readonly #count: Memory;
  readonly #dropping: Memory;
  readonly #keeping: Memory;
  readonly #value: Memory;
  readonly #result: Memory;
  readonly #size: Memory;
  readonly #info: Memory;
  readonly #memory: Memory;

  constructor(calls: Calls) {
    this.#calls = calls;
    this.#on = integers(calls, 1);
    this.#idle = integers(calls, KEEP_ALIVE_DELAY / 1_000);
    this.#interval = integers(calls, KEEP_ALIVE_INTERVAL);
    this.#count = integers(calls, KEEP_ALIVE_COUNT);
    this.#dropping = linger(calls, true);
    this.#keeping = linger(calls, false);
    this.#value = integers(calls, 0);
    this.#result = integers(calls, 0);
    this.#size = integers(calls, 0);
    this.#info = allocate(calls, TCP_INFO_OF.size);
    this.#memory = allocate(calls, MEMINFO.size);
  }

  /** Has a socket send at once; what was held back for more (MSG_MORE of send(2)) too (tcp(7)). */
  noDelay(fd: number): void {
    this.#set(fd, IPPROTO_TCP, TCP_NODELAY, this.#on);
  }

  /** Has urgent data read in its place, as any other (RFC 6093 §6). */
  inlineUrgent(fd: number): void {
    this.#set(fd, SOL_SOCKET, SO_OOBINLINE, this.#on);
  }

  /** Has a socket probe a peer that is silent. */
  keepAlive(fd: number): void {
    this.#set(fd, SOL_SOCKET, SO_KEEPALIVE, this.#on);
    this.#set(fd, IPPROTO_TCP, TCP_KEEPIDLE, this.#idle);
    this.#set(fd, IPPROTO_TCP, TCP_KEEPINTVL, this.#interval);
    this.#set(fd, IPPROTO_TCP, TCP_KEEPCNT, this.#count);
  }

  /** Has the closing of a socket, also by the end of its process, reset its connection; or end it with what is still to be sent, and a FIN. */
  dropOnClose(fd: number, drops: boolean): void {
    this.#set(fd, SOL_SOCKET, SO_LINGER, drops ? this.#dropping : this.#keeping);
  }

  /** Whether an IPv6 socket takes no IPv4. */
  ipv6Only(fd: number, isOnly: boolean): void {
    this.#set(fd, IPPROTO_IPV6, IPV6_V6ONLY, this.#holding(Number(isOnly)));
  }

  /** Has the kernel tell to which of our addresses a datagram was sent (ip(7), ipv6(7)): an IPv6 socket may take IPv4 too. */
  ownAddresses(fd: number): void {
    this.#set(fd, IPPROTO_IP, IP_PKTINFO, this.#on);
    this.#set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, this.#on);
  }

  /**
   * Has the kernel tell of a datagram that our own link has dropped (ENOBUFS), and of every ICMP error, not of refusals alone; it keeps them in a queue
   * beside (IP_RECVERR of ip(7)).
   */
  allErrors(fd: number): void {
    this.#set(fd, IPPROTO_IP, IP_RECVERR, this.#on);
    this.#set(fd, IPPROTO_IPV6, IPV6_RECVERR, this.#on);
  }

  /** Has a socket take a TCP port that others hold who do not listen. */
  reuseAddress(fd: number): void {
    this.#set(fd, SOL_SOCKET, SO_REUSEADDR, this.#on);
  }

  /** Has a socket share its port with others that do. */
  reusePort(fd: number): void {
    this.#set(fd, SOL_SOCKET, SO_REUSEPORT, this.#on);
  }

  /** Has a program of classic BPF, a struct sock_fprog, judge what a socket receives (SO_ATTACH_FILTER of socket(7)), in place of the last. */
  attachFilter(fd: number, program: Memory): void {
    this.#set(fd, SOL_SOCKET, SO_ATTACH_FILTER, program);
  }

  /** Asks for so much room either way, in bytes; the kernel gives no more than net.core.rmem_max and wmem_max. */
  bufferSizes(fd: number, size: number): void {
    const wanted = this.#holding(size);
    this.#set(fd, SOL_SOCKET, SO_RCVBUF, wanted);
    this.#set(fd, SOL_SOCKET, SO_SNDBUF, wanted);
  }

  /** Whether datagrams may be sent on in trains, with a socket like this (UDP_SEGMENT of udp(7), since Linux 4.18). */
  canSegment(fd: number): boolean {
    return this.#set(fd, SOL_UDP, UDP_SEGMENT, this.#holding(0));
  }

  /** Why a socket has failed, as errno(3) numbers it; 0 when it has not. Asking clears it. */
  error(fd: number): number {
    this.#get(fd, SOL_SOCKET, SO_ERROR, this.#result);
    return this.#result.bytes.readInt32LE();
  }

  delivery(fd: number): Delivery {
    const { bytes } = this.#info;
    const isTold = this.#get(fd, IPPROTO_TCP, TCP_INFO, this.#info);
    if (!isTold) return { isPending: false, tries: 0, silence: 0 };
    return {
      isPending:
        bytes.readInt32LE(TCP_INFO_OF.unacked) > 0 || bytes.readInt32LE(TCP_INFO_OF.notSentBytes) > 0,
      tries: Math.max(bytes.readUInt8(TCP_INFO_OF.retransmits), bytes.readUInt8(TCP_INFO_OF.probes)),
      silence: bytes.readInt32LE(TCP_INFO_OF.lastAckReceived),
    };
  }

  /** How many datagrams have found the socket's receive buffer full (SO_MEMINFO, since Linux 4.12); 0 where the kernel does not tell. */
  drops(fd: number): number {
    const isTold = this.#get(fd, SOL_SOCKET, SO_MEMINFO, this.#memory);
    return isTold ? this.#memory.bytes.readUInt32LE(MEMINFO.drops) : 0;
  }

  /** Until the next call. */
  #holding(value: number): Memory {
    this.#value.bytes.writeInt32LE(value);
    return this.#value;
  }

  /** Whether the kernel knows the option; what an older one's shorter struct does not hold stays 0. */
  #get(fd: number, level: number, name: number, { pointer, bytes }: Memory): boolean {
    this.#size.bytes.writeInt32LE(bytes.length);
    return this.#calls.getsockopt(fd, level, name, pointer, this.#size.pointer) === 0;
  }

  /** Whether the kernel knows the option: no other can fail for a socket that is open and of the right kind, and none is worth a connection. */
  #set(fd: number, level: number, name: number, { pointer, bytes }: Memory): boolean {
    return this.#calls.setsockopt(fd, level, name, pointer, bytes.length) === 0;
  }
}

function integers(calls: Calls, ...values: readonly number[]): Memory {
  const memory = allocate(calls, values.length * Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(memory.bytes.buffer).set(values);
  return memory;
}

/** A struct linger: for no time at all, or not. */
function linger(calls: Calls, isOn: boolean): Memory {
  const memory = allocate(calls, LINGER.size);
  memory.bytes.writeInt32LE(Number(isOn), LINGER.isOn);
  memory.bytes.writeInt32LE(0, LINGER.time);
  return memory;
}

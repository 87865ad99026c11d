import { isIPv4 } from 'node:net';

import { v4, v6 } from '@leichtgewicht/ip-codec';

import type { Network } from '../lib/networks.ts';
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  IFA_ADDRESS,
  IFA_CACHEINFO,
  IFA_F_NODAD,
  IFADDRMSG,
  IFADDR_LIFETIMES,
  LOOPBACK_IFINDEX,
  NLM_F_ACK,
  NLM_F_CREATE,
  NLM_F_REPLACE,
  NLM_F_REQUEST,
  NLMSGHDR,
  RT_SCOPE_HOST,
  RT_TABLE_LOCAL,
  RTA_DST,
  RTA_OIF,
  RTATTR,
  RTM_DELADDR,
  RTM_DELROUTE,
  RTM_NEWADDR,
  RTM_NEWROUTE,
  RTMSG,
  RTN_LOCAL,
  RTPROT_STATIC,
  SOCK_CLOEXEC,
  SOCK_RAW,
} from './abi.ts';
import { allocate, systemError } from './calls.ts';
import type { Kernel } from './kernel.ts';

const FOR_EVER = 0xff_ff_ff_ff;
/** What messages and their parts are aligned to (NLMSG_ALIGNTO of netlink(3)), in bytes. */
const ALIGNMENT = 4;

/**
 * Has this host take all addresses of a network for its own, at each interface. Neighbours find those of IPv4 by that, and of IPv6 none (RFC 4861 §7.2.3).
 * Throws a system error, EPERM for one without CAP_NET_ADMIN.
 */
export function ownNetwork(kernel: Kernel, network: Network): void {
  change(kernel, RTM_NEWROUTE, describeRoute(network));
}

/** Has it do so no longer. Throws a system error, also where it does not. */
export function disownNetwork(kernel: Kernel, network: Network): void {
  change(kernel, RTM_DELROUTE, describeRoute(network));
}

function describeRoute([address, prefix]: Network): readonly Buffer[] {
  const [family, codec] = isIPv4(address) ? [AF_INET, v4] : [AF_INET6, v6];
  const message = Buffer.alloc(RTMSG.size);
  message[0] = family;
  message[RTMSG.prefix] = prefix;
  message[RTMSG.table] = RT_TABLE_LOCAL;
  message[RTMSG.protocol] = RTPROT_STATIC;
  message[RTMSG.scope] = RT_SCOPE_HOST;
  message[RTMSG.type] = RTN_LOCAL;
  const loopback = Buffer.alloc(4);
  loopback.writeUInt32LE(LOOPBACK_IFINDEX);
  return [message, attribute(RTA_DST, codec.encode(address)), attribute(RTA_OIF, loopback)];
}

/** Gives an interface another address of IPv6, from which nothing is sent by itself (deprecated, RFC 6724 §5). Throws as `ownNetwork` does. */
export function ownAddress(kernel: Kernel, address: string, interfaceName: string): void {
  change(kernel, RTM_NEWADDR, describeAddress(kernel, address, interfaceName));
}

/** Takes it away again. Throws a system error, also where there is none. */
export function disownAddress(kernel: Kernel, address: string, interfaceName: string): void {
  change(kernel, RTM_DELADDR, describeAddress(kernel, address, interfaceName));
}

function describeAddress(kernel: Kernel, address: string, interfaceName: string): readonly Buffer[] {
  const message = Buffer.alloc(IFADDRMSG.size);
  message[0] = AF_INET6;
  message[IFADDRMSG.prefix] = 128; // alone: it brings no route with it
  message[IFADDRMSG.flags] = IFA_F_NODAD;
  message.writeUInt32LE(kernel.calls.if_nametoindex(interfaceName), IFADDRMSG.index);
  const lifetimes = Buffer.alloc(IFADDR_LIFETIMES.size);
  lifetimes.writeUInt32LE(FOR_EVER, IFADDR_LIFETIMES.valid);
  return [message, attribute(IFA_ADDRESS, v6.encode(address)), attribute(IFA_CACHEINFO, lifetimes)];
}

/** Has the kernel make, replace or delete something of its network (rtnetlink(7)), and waits for its answer, which is there at once. */
function change({ calls }: Kernel, type: number, parts: readonly Buffer[]): void {
  const header = Buffer.alloc(NLMSGHDR.size);
  const bytes = Buffer.concat([header, ...parts]);
  bytes.writeUInt32LE(bytes.length, NLMSGHDR.length);
  bytes.writeUInt16LE(type, NLMSGHDR.type);
  const mode = type === RTM_NEWROUTE || type === RTM_NEWADDR ? NLM_F_CREATE | NLM_F_REPLACE : 0;
  bytes.writeUInt16LE(NLM_F_REQUEST | NLM_F_ACK | mode, NLMSGHDR.flags);
  // The answer holds the request.
  const memory = allocate(calls, 2 * NLMSGHDR.size + bytes.length + ALIGNMENT);
  bytes.copy(memory.bytes);

  const fd = calls.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) throw calls.failure('socket');
  try {
    if (calls.write(fd, memory.pointer, bytes.length) < 0) throw calls.failure('write');
    if (calls.read(fd, memory.pointer, memory.bytes.length) < 0) throw calls.failure('read');
    const errno = -memory.bytes.readInt32LE(NLMSGHDR.size);
    if (errno !== 0) throw systemError('netlink', errno);
  } finally {
    calls.close(fd);
  }
}

/** RFC 3549 §2.2's type, length and value, padded. */
function attribute(type: number, value: Uint8Array): Buffer {
  const length = RTATTR.size + value.length;
  const bytes = Buffer.alloc(Math.ceil(length / ALIGNMENT) * ALIGNMENT);
  bytes.writeUInt16LE(length);
  bytes.writeUInt16LE(type, RTATTR.type);
  bytes.set(value, RTATTR.size);
  return bytes;
}

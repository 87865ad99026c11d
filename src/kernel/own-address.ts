import { v6 } from '@leichtgewicht/ip-codec';

import { CMSG, IN6_PKTINFO, IN_PKTINFO, IP_PKTINFO, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO } from './abi.ts';
import type { Calls } from './calls.ts';
import { type Structs, WORD } from './structs.ts';

// An answer leaves from the address that was asked, as a connected client takes no other (udp(7)): the kernel tells that address with each datagram, and is
// told it with each answer.

/** Room for the control messages that come with one datagram, in 32-bit words: on an IPv6 socket, of IPv4 both, IPv6's first. */
export const CONTROL_IN = spaceOf(IN6_PKTINFO.size) + spaceOf(IN_PKTINFO.size);
/** Room for those that go with one, in 32-bit words. */
export const CONTROL_OUT = spaceOf(IN6_PKTINFO.size);
/** The largest of our own addresses, in 32-bit words: IPv6's, with an interface. */
export const OWN = IN6_PKTINFO.size;

interface Span {
  readonly at: number;
  readonly size: number;
}

/** Of an IPv6 message, and of an IPv4 one alone or behind the other. */
const V6_BYTES = spaceOf(IN6_PKTINFO.size) * WORD;
const V4_BYTES = spaceOf(IN_PKTINFO.size) * WORD;
/** Without padding. */
const V6_LENGTH = (CMSG.value + IN6_PKTINFO.size) * WORD;
const V4_LENGTH = (CMSG.value + IN_PKTINFO.size) * WORD;

const NOWHERE: Span = { at: 0, size: 0 };
/** A struct in6_pktinfo has the address, and the interface behind it (ipv6(7)). */
const V6: Span = { at: CMSG.value, size: IN6_PKTINFO.interface };
const V6_WITH_INTERFACE: Span = { at: V6.at, size: OWN };
/** Of a struct in_pktinfo, ipi_spec_dst: for a broadcast too it is one of ours (ip(7)). By the size of what was told, in bytes. */
const V4 = new Map<number, Span>([
  [V4_BYTES, { at: CMSG.value + IN_PKTINFO.ownAddress, size: 1 }],
  [V6_BYTES + V4_BYTES, { at: CONTROL_OUT + CMSG.value + IN_PKTINFO.ownAddress, size: 1 }],
]);

/**
 * Where it lies in what the kernel has told of a datagram, so many bytes, to which of our own addresses it was sent; in 32-bit words. The size is 0 where that
 * is not told, or is nobody's own (multicast). A link-local one goes with its interface (RFC 4007 §6); from others, any way to the client will do.
 */
export function findOwnAddress(controls: Structs, i: number, bytes: number): Span {
  if (bytes !== V6_BYTES) return V4.get(bytes) ?? NOWHERE;
  const first = controls.get(i, V6.at);
  if ((first & 0xff) === 0xff) return NOWHERE;
  return (first & 0xc0_ff) === 0x80_fe ? V6_WITH_INTERFACE : V6;
}

/** An address as it was found, as net.Socket says it. */
export function readOwnAddress(calls: Pick<Calls, 'zoneName'>, own: Buffer): string {
  if (own.length === WORD) return own.join('.');
  const address = v6.decode(own);
  const isWithInterface = own.length === OWN * WORD;
  return isWithInterface ? `${address}%${calls.zoneName(own.readUInt32LE(V6.size * WORD))}` : address;
}

/** Writes the message that has a datagram sent from one of our own addresses, as it was found, at a word of a struct; returns its size in bytes. */
export function writeOwnAddress(controls: Structs, i: number, at: number, own: Int32Array): number {
  if (own.length === 0) return 0;
  const isV4 = own.length === 1;
  controls.set(i, at + CMSG.length, isV4 ? V4_LENGTH : V6_LENGTH);
  controls.set(i, at + CMSG.level, isV4 ? IPPROTO_IP : IPPROTO_IPV6);
  controls.set(i, at + CMSG.type, isV4 ? IP_PKTINFO : IPV6_PKTINFO);
  const value = at + CMSG.value;
  if (isV4) {
    controls.set(i, value, 0); // any interface
    controls.set(i, value + IN_PKTINFO.ownAddress, own[0] ?? 0);
    return V4_BYTES;
  }
  for (let word = 0; word < OWN; word++) controls.set(i, value + word, own[word] ?? 0);
  return V6_BYTES;
}

/** CMSG_SPACE(3) of so many 32-bit words, in words: a message ends where the next one may begin. */
function spaceOf(words: number): number {
  return Math.ceil((CMSG.value + words) / 2) * 2;
}

import { familyOf, v4, v6 } from '@leichtgewicht/ip-codec';

import { AF_INET, AF_INET6, SOCKADDR_IN, SOCKADDR_IN6 } from './abi.ts';
import type { Calls } from './calls.ts';

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** Of the Internet families, in bytes. */
export const LARGEST_SOCKADDR = SOCKADDR_IN6.size;
/** The same of both families. */
const PORT = SOCKADDR_IN.port;
/** What begins an IPv4 address in an IPv6 one (RFC 4291 §2.5.5.2). */
const MAPPED_PREFIX = Buffer.from('00000000000000000000ffff', 'hex');

/** Writes a struct sockaddr; returns its family. Throws for what is no address. */
export function writeSocketAddress(
  calls: Pick<Calls, 'if_nametoindex'>,
  bytes: Buffer,
  { address, port }: SocketAddress,
): number {
  const [ip = '', zone] = address.split('%');
  const family = familyOf(ip) === 1 ? AF_INET : AF_INET6;
  bytes.fill(0);
  words(bytes)[0] = family;
  bytes.writeUInt16BE(port, PORT);
  if (family === AF_INET) v4.encode(ip, bytes, SOCKADDR_IN.address);
  else v6.encode(ip, bytes, SOCKADDR_IN6.address);
  // RFC 4007 §11.2 has both names and numbers.
  if (zone !== undefined) bytes.writeUInt32LE(calls.if_nametoindex(zone) || Number(zone), SOCKADDR_IN6.scope);
  return family;
}

/** Of a struct sockaddr, what its family needs. */
export function sizeOfSocketAddress(bytes: Buffer): number {
  return words(bytes)[0] === AF_INET ? SOCKADDR_IN.size : SOCKADDR_IN6.size;
}

/** What a struct sockaddr says, as net.Socket says it. */
export function readSocketAddress(calls: Pick<Calls, 'zoneName'>, bytes: Buffer): SocketAddress {
  const port = bytes.readUInt16BE(PORT);
  if (words(bytes)[0] === AF_INET) return { address: dotted(bytes, SOCKADDR_IN.address), port };
  const isMapped =
    bytes.compare(
      MAPPED_PREFIX,
      0,
      MAPPED_PREFIX.length,
      SOCKADDR_IN6.address,
      SOCKADDR_IN6.address + MAPPED_PREFIX.length,
    ) === 0;
  const address = isMapped
    ? `::ffff:${dotted(bytes, SOCKADDR_IN6.address + MAPPED_PREFIX.length)}`
    : v6.decode(bytes, SOCKADDR_IN6.address);
  const scope = bytes.readUInt32LE(SOCKADDR_IN6.scope);
  return { address: scope === 0 ? address : `${address}%${calls.zoneName(scope)}`, port };
}

function dotted(bytes: Buffer, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

function words(bytes: Buffer): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, 1);
}

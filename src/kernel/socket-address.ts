import { familyOf, v4, v6 } from '@leichtgewicht/ip-codec';

/** The largest struct sockaddr of the Internet families, in bytes: IPv6's (ip(7), ipv6(7)). */
export const SOCKADDR_SIZE = 28;
export const AF_INET = 2;
const AF_INET6 = 10;

const PORT = 2;
const V4_ADDRESS = 4;
const V6_ADDRESS = 8;
/** What begins an IPv4 address in an IPv6 one (RFC 4291 §2.5.5.2). */
const MAPPED_PREFIX = Buffer.from('00000000000000000000ffff', 'hex');

/** Writes a struct sockaddr; returns its family. Throws for what is no address. */
export function writeSocketAddress(bytes: Buffer, address: string, port: number): number {
  const isV4 = familyOf(address) === 1;
  bytes.fill(0);
  const family = isV4 ? AF_INET : AF_INET6;
  if (isV4) v4.encode(address, bytes, V4_ADDRESS);
  else v6.encode(address, bytes, V6_ADDRESS);
  new Uint16Array(bytes.buffer, bytes.byteOffset, 1)[0] = family;
  bytes.writeUInt16BE(port, PORT);
  return family;
}

/** What a struct sockaddr says, as net.Socket says it but for the scope of a link-local address. */
export function readSocketAddress(bytes: Buffer): { readonly address: string; readonly port: number } {
  const [family] = new Uint16Array(bytes.buffer, bytes.byteOffset, 1);
  const port = bytes.readUInt16BE(PORT);
  if (family === AF_INET) return { address: dotted(bytes, V4_ADDRESS), port };
  const isMapped =
    bytes.compare(MAPPED_PREFIX, 0, MAPPED_PREFIX.length, V6_ADDRESS, V6_ADDRESS + MAPPED_PREFIX.length) ===
    0;
  const address = isMapped
    ? `::ffff:${dotted(bytes, V6_ADDRESS + MAPPED_PREFIX.length)}`
    : v6.decode(bytes, V6_ADDRESS);
  return { address, port };
}

function dotted(bytes: Buffer, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

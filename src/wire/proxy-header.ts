import { isIP } from 'node:net';

import { v4, v6 } from '@leichtgewicht/ip-codec';

import type { ProxyProtocol } from '../lib/proxy-protocol.ts';
import { unmapped } from '../lib/unmapped.ts';

/** One end of a connection. */
interface End {
  readonly address: string;
  readonly port: number;
}

/** A client's connection, for which another one is made; an end that is not known is null. */
interface Relayed {
  /** The client. */
  readonly source: End | null;
  /** Where it has connected to. */
  readonly destination: End | null;
  /** Whether the client is no other than the proxy itself, which checks the target's health. */
  readonly isOwn: boolean;
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Version 2 and the command. */
const [LOCAL, PROXY] = [0x20, 0x21];
/** Address family and transport protocol. */
const [UNSPECIFIED, TCP4, TCP6] = [0x00, 0x11, 0x21];

/**
 * The header that tells a target whose connection this is (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, sections 2.1 and 2.2), in at most 107
 * bytes. v4-mapped ends are IPv4. Ends that are not both known, or not of one family, are told as unknown. The proxy's own checks are LOCAL in version 2;
 * version 1 has no word for them, and wants them to be told as any other connection: some servers reject UNKNOWN.
 */
export function proxyHeader(version: Exclude<ProxyProtocol, 'off'>, { isOwn, ...relayed }: Relayed): Buffer {
  const [source, destination] = [plain(relayed.source), plain(relayed.destination)];
  const family = isIP(source.address);
  const isKnown = family !== 0 && family === isIP(destination.address);
  if (version === 'v1') {
    const ends = `${source.address} ${destination.address} ${source.port} ${destination.port}`;
    return Buffer.from(`PROXY ${isKnown ? `TCP${family} ${ends}` : 'UNKNOWN'}\r\n`, 'latin1');
  }
  if (isOwn) return binary(LOCAL, UNSPECIFIED);
  if (!isKnown) return binary(PROXY, UNSPECIFIED);
  const { encode } = family === 4 ? v4 : v6;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  return binary(PROXY, family === 4 ? TCP4 : TCP6, [
    encode(source.address),
    encode(destination.address),
    ports,
  ]);
}

/** An end without the zone of a link-local address (RFC 4007 §11), which means something to this host alone. */
function plain(end: End | null): End {
  return { address: unmapped(end?.address ?? '').replace(/%.*/, ''), port: end?.port ?? 0 };
}

function binary(command: number, family: number, addresses: readonly Uint8Array[] = []): Buffer {
  const block = Buffer.concat(addresses);
  return Buffer.concat([SIGNATURE, Buffer.of(command, family, 0, block.length), block]);
}

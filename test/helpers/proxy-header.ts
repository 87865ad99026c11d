import { equal } from 'node:assert/strict';
import { BlockList, isIPv4 } from 'node:net';

import { v4, v6 } from '@leichtgewicht/ip-codec';

/** What a header of version 2 begins with, in hex. */
export const SIGNATURE = '0d0a0d0a000d0a515549540a';

/** What a server makes of a header that knows both ends; what follows the header is `rest`. */
export function readProxyHeader(bytes: Buffer) {
  if (bytes.subarray(0, 6).toString('latin1') === 'PROXY ') {
    const [line = '', rest] = bytes.toString('latin1').split('\r\n');
    const [, family, source, destination, ...ports] = line.split(' ');
    return { family, source, destination, ports: ports.map(Number), rest };
  }
  equal(bytes.subarray(0, 13).toString('hex'), `${SIGNATURE}21`);
  const { decode } = bytes[13] === 0x11 ? v4 : v6;
  const block = bytes.subarray(16, 16 + bytes.readUInt16BE(14));
  const size = (block.length - 4) / 2;
  return {
    family: bytes[13] === 0x11 ? 'TCP4' : 'TCP6',
    source: decode(block, 0),
    destination: decode(block, size),
    ports: [block.readUInt16BE(2 * size), block.readUInt16BE(2 * size + 2)],
    rest: bytes.subarray(16 + block.length).toString('latin1'),
  };
}

/** Whether two addresses are one, however they are written. */
export function isSameAddress(one: string | undefined, other: string): boolean {
  const list = new BlockList();
  list.addAddress(other, isIPv4(other) ? 'ipv4' : 'ipv6');
  return one !== undefined && isIPv4(one) === isIPv4(other) && list.check(one, isIPv4(one) ? 'ipv4' : 'ipv6');
}

import { deepEqual, equal, ok } from 'node:assert/strict';
import { isIPv4 } from 'node:net';

import { v4, v6 } from '@leichtgewicht/ip-codec';

import { unmapped } from '../../../src/lib/unmapped.ts';
import { proxyHeader } from '../../../src/wire/proxy-header.ts';
import { isSameAddress, readProxyHeader } from '../../../test/helpers/proxy-header.ts';

/** No header is longer, in bytes (section 2.1 of its specification). */
const LONGEST = 107;
const UNKNOWN = { v1: 'PROXY UNKNOWN\r\n', v2: '\r\n\r\n\0\r\nQUIT\n\x21\0\0\0' };
const OWN = '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0';

/** A header can be read back, and ends where it says; where an end is not known, it tells of none. */
export function fuzz(bytes: Buffer): void {
  const take = reader(bytes);
  const version = take(1)[0] === 1 ? 'v1' : 'v2';
  const isOwn = take(1)[0] === 1;
  const [source, destination] = [takeEnd(take), takeEnd(take)];
  const header = proxyHeader(version, { source, destination, isOwn });
  ok(header.length <= LONGEST);
  const plainly = (end: End | null) => unmapped(end?.address ?? '').replace(/%.*/, '');
  const [from, to] = [plainly(source), plainly(destination)];
  const isKnown = from !== '' && to !== '' && isIPv4(from) === isIPv4(to);
  if (version === 'v2' && isOwn) return equal(header.toString('latin1'), OWN);
  if (!isKnown) return equal(header.toString('latin1'), UNKNOWN[version]);
  const seen = readProxyHeader(Buffer.concat([header, Buffer.from('GET /')]));
  deepEqual(
    [seen.family, seen.ports, seen.rest],
    [isIPv4(from) ? 'TCP4' : 'TCP6', [source?.port, destination?.port], 'GET /'],
  );
  ok(isSameAddress(seen.source, from) && isSameAddress(seen.destination, to));
}

interface End {
  readonly address: string;
  readonly port: number;
}

/** The next so many bytes each time, zeros behind the last. */
function reader(bytes: Buffer): (count: number) => Buffer {
  let at = 0;
  return (count) => {
    const taken = bytes.subarray(at, (at += count));
    return Buffer.concat([taken], count);
  };
}

/** An end as a socket tells it, or none. */
function takeEnd(take: (count: number) => Buffer): End | null {
  const [kind = 0] = take(1);
  const port = take(2).readUInt16BE();
  if (kind % 5 === 0) return null;
  if (kind % 5 === 1) return { address: v4.decode(take(4)), port };
  if (kind % 5 === 2) return { address: `::ffff:${v4.decode(take(4))}`, port };
  const zone = kind % 5 === 3 ? '' : `%${'abc'.slice(kind % 3)}`;
  return { address: `${v6.decode(take(16))}${zone}`, port };
}

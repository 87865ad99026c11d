import { familyOf, v4, v6 } from '@leichtgewicht/ip-codec';

import { CLASS, HEADER_LENGTH, TYPE, uint16s } from '../dns/wire/message.ts';
import { encodeName } from '../dns/wire/names.ts';

/** Addresses of an allowed name, a record each; null where it has none of that family. */
export interface AddressRecords {
  readonly v4: Buffer | null;
  readonly v6: Buffer | null;
}

/** In s. A reload does not change where a name leads: to us. */
const TTL = 30;
/** Of what is not there, in s: caches keep it beyond a reload that allows it. */
const NEGATIVE_TTL = 5;
/** A pointer to the name that begins at this byte of a message (RFC 1035 §4.1.4). */
export const pointerTo = (at: number): number => 0xc0_00 | at;
const QUESTION_NAME = uint16s(pointerTo(HEADER_LENGTH));

/**
 * What has caches keep a negative answer, and for how long (RFC 2308 §5), as of a zone that nobody keeps (RFC 6303 §3). It begins with a pointer to its
 * owner, here the name of the question.
 */
export const SOA = record(
  { type: TYPE.SOA, ttl: NEGATIVE_TTL },
  Buffer.concat([
    encodeName('localhost'),
    encodeName('nobody.invalid'),
    ...[1, 3_600, 1_200, 604_800, NEGATIVE_TTL].map(uint32),
  ]),
);

/** The record that gives the name of the question an address. */
export function addressRecord(address: string): Buffer {
  const isV4 = familyOf(address) === 1;
  const type = isV4 ? TYPE.A : TYPE.AAAA;
  return record({ type, ttl: TTL }, (isV4 ? v4 : v6).encode(address));
}

/** Of the name of the question (RFC 1035 §4.1.3). */
function record({ type, ttl }: { readonly type: number; readonly ttl: number }, data: Uint8Array): Buffer {
  return Buffer.concat([QUESTION_NAME, uint16s(type, CLASS.IN), uint32(ttl), uint16s(data.length), data]);
}

function uint32(number: number): Buffer {
  return uint16s(number >>> 16, number & 0xff_ff);
}

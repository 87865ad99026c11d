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
/** A pointer to the name of the question (RFC 1035 §4.1.4). */
const QUESTION_NAME = 0xc0_00 | HEADER_LENGTH;

/**
 * What has caches keep a negative answer, and for how long (RFC 2308 §5): an SOA of the name that was asked for. A resolver that forwards some zone to us
 * drops, or refuses, that of a name above its zone. Its fields are those of a zone that nobody keeps (RFC 6303 §3).
 */
export const SOA = record(
  TYPE.SOA,
  NEGATIVE_TTL,
  Buffer.concat([
    uint16s(QUESTION_NAME),
    encodeName('nobody.invalid'),
    ...[1, 3_600, 1_200, 604_800, NEGATIVE_TTL].map(uint32),
  ]),
);

/** The record that gives the name of the question an address. */
export function addressRecord(address: string): Buffer {
  const isV4 = familyOf(address) === 1;
  return record(isV4 ? TYPE.A : TYPE.AAAA, TTL, (isV4 ? v4 : v6).encode(address));
}

/** Of the name of the question. */
function record(type: number, ttl: number, data: Uint8Array): Buffer {
  return Buffer.concat([uint16s(QUESTION_NAME, type, CLASS.IN), uint32(ttl), uint16s(data.length), data]);
}

function uint32(number: number): Buffer {
  return uint16s(number >>> 16, number & 0xff_ff);
}

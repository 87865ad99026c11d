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
/** A pointer to it (RFC 1035 §4.1.4). */
const QUESTION_NAME = Buffer.of(0xc0, HEADER_LENGTH);

/**
 * What has caches keep a negative answer, and for how long (RFC 2308 §5). Of a name that has nothing it is the name's own: BIND fails where it forwards a zone
 * and gets that of a name above. Of a name that is not there it is the root's: dnsmasq takes the name's own for a sign that the name is there.
 */
export const SOA = { ofName: soa(QUESTION_NAME), ofRoot: soa(encodeName('')) };

/** The record that gives the name of the question an address. */
export function addressRecord(address: string): Buffer {
  const isV4 = familyOf(address) === 1;
  const type = isV4 ? TYPE.A : TYPE.AAAA;
  return record(QUESTION_NAME, { type, ttl: TTL }, (isV4 ? v4 : v6).encode(address));
}

/** As of a zone that nobody keeps (RFC 6303 §3). */
function soa(owner: Buffer): Buffer {
  const numbers = [1, 3_600, 1_200, 604_800, NEGATIVE_TTL].map(uint32);
  const data = Buffer.concat([encodeName('localhost'), encodeName('nobody.invalid'), ...numbers]);
  return record(owner, { type: TYPE.SOA, ttl: NEGATIVE_TTL }, data);
}

/** RFC 1035 §4.1.3. */
function record(
  owner: Buffer,
  { type, ttl }: { readonly type: number; readonly ttl: number },
  data: Uint8Array,
): Buffer {
  return Buffer.concat([owner, uint16s(type, CLASS.IN), uint32(ttl), uint16s(data.length), data]);
}

function uint32(number: number): Buffer {
  return uint16s(number >>> 16, number & 0xff_ff);
}

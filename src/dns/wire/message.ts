import { v6 as ipv6 } from '@leichtgewicht/ip-codec';

import { encodeName, endOfName, readName } from './names.ts';

/** A question on its way to one nameserver. */
export interface Query {
  readonly id: number;
  readonly name: string;
  readonly type: 'A' | 'AAAA';
  /** Whether it announces how large a UDP answer may be (RFC 6891). */
  readonly edns: boolean;
}

/** An address of a name, or the name that it stands for. */
export interface ResourceRecord {
  readonly type: 'A' | 'AAAA' | 'CNAME';
  readonly name: string;
  /** In s. */
  readonly ttl: number;
  readonly data: string;
}

/** What is used of a nameserver's message. */
export interface Message {
  readonly id: number;
  readonly isResponse: boolean;
  readonly isTruncated: boolean;
  readonly rcode: string;
  /** The question that it answers, null where it holds none; its type is null where that is never asked for. */
  readonly question: { readonly name: string; readonly type: ResourceRecord['type'] | null } | null;
  readonly answers: readonly ResourceRecord[];
  /** Whether `answers` is not all that there was: records were malformed, of another class, or beyond the message's end. */
  readonly isSpoilt: boolean;
  /**
   * Whether it tells nothing of the name: it is empty, and the server answers neither for its own zones nor for others', or it refers to
   * nameservers, which means that there is nothing only with an SOA record beside them (RFC 2308 §2.2).
   */
  readonly isLame: boolean;
}

/** Where the parts of a record lie in a message. */
export interface RecordLayout {
  readonly nameAt: number;
  readonly type: number;
  readonly typeAt: number;
  readonly dataAt: number;
  readonly end: number;
}

const TYPES: Readonly<Partial<Record<number, ResourceRecord['type']>>> = { 1: 'A', 5: 'CNAME', 28: 'AAAA' };
/** Types of records and questions, by number. */
export const TYPE = { A: 1, NS: 2, SOA: 6, AAAA: 28, OPT: 41, IXFR: 251, AXFR: 252, ANY: 255 };
/** Classes, of which there is but one in use. */
export const CLASS = { IN: 1, ANY: 255 };
/** By number (RFC 1035 §4.1.1, RFC 2136 §2.2). */
const RCODES =
  'NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE'.split(' ');
/** Of the second word of a header (RFC 1035 §4.1.1). */
export const FLAGS = { QR: 0x8000, AA: 0x400, TC: 0x200, RD: 0x100, RA: 0x80, RCODE: 0xf };

/** In bytes. */
export const HEADER_LENGTH = 12;
/** A question behind its name: type and class. */
export const QUESTION_LENGTH = 4;
/** A record between its name and its data: type, class, TTL and the length of the data. */
const RECORD_LENGTH = 10;
/** What a UDP answer may take, in bytes: it passes every path unfragmented (DNS Flag Day 2020). */
export const UDP_PAYLOAD_SIZE = 1_232;

/** A message that asks for one record type and wants recursion (RFC 1035 §4.1). Throws for a name that is too long. */
export function encodeQuery({ id, name, type, edns }: Query): Buffer {
  return Buffer.concat([
    uint16s(id, FLAGS.RD, 1, 0, 0, edns ? 1 : 0),
    encodeName(name),
    uint16s(TYPE[type], CLASS.IN),
    // The root's name, OPT, the size, no flags and no options (RFC 6891 §6.1.2).
    ...(edns ? [encodeName(''), uint16s(TYPE.OPT, UDP_PAYLOAD_SIZE, 0, 0, 0)] : []),
  ]);
}

/**
 * Reads a message (RFC 1035 §4.1); null for what has no whole header, or anything but one whole question of class IN or none. Each record is
 * judged by itself, so that a bad one spoils no other. The additional section, where EDNS is, is not read.
 *
 * dns-packet decodes a message as a whole: it throws at a malformed TXT record or EDNS option, and believes
 * an A record of 3 bytes (`127.0.0.undefined`). Here a record counts if it is of class IN, of its type's
 * length and whole; other types are not looked into. Tests compare this reader with dns-packet.
 */
export function readMessage(message: Buffer): Message | null {
  if (message.length < HEADER_LENGTH) return null;
  const uint16 = (at: number) => message.readUInt16BE(at);
  const [flags, questionCount, answerCount, authorityCount] = [uint16(2), uint16(4), uint16(6), uint16(8)];
  const has = (flag: number) => (flags & flag) !== 0;
  const head = {
    id: uint16(0),
    isResponse: has(FLAGS.QR),
    isTruncated: has(FLAGS.TC),
    rcode: RCODES[flags & FLAGS.RCODE] ?? `code ${flags & FLAGS.RCODE}`,
  };
  if (questionCount === 0) return { ...head, question: null, answers: [], isSpoilt: false, isLame: false };

  const start = endOfName(message, HEADER_LENGTH) + QUESTION_LENGTH;
  const name = readName(message, HEADER_LENGTH);
  if (questionCount > 1 || start > message.length || name === null || uint16(start - 2) !== CLASS.IN)
    return null;
  const layouts = [...recordLayouts(message, { start, count: answerCount + authorityCount })];
  const answers = layouts.slice(0, answerCount).filter(({ type }) => type in TYPES);
  const sound = answers.flatMap((layout) => readRecord(message, layout) ?? []);
  const authority = new Set(layouts.slice(answerCount).map(({ type }) => type));
  const isReferral = authority.has(TYPE.NS) && !authority.has(TYPE.SOA);
  const isNobodys = authority.size === 0 && !has(FLAGS.AA) && !has(FLAGS.RA);
  return {
    ...head,
    question: { name, type: TYPES[uint16(start - QUESTION_LENGTH)] ?? null },
    answers: sound,
    isSpoilt: sound.length < answers.length || layouts.length < answerCount,
    isLame: answerCount === 0 && (isReferral || isNobodys),
  };
}

/** Where so many records are, as far as they are whole. */
export function* recordLayouts(
  message: Buffer,
  { start, count }: { readonly start: number; readonly count: number },
): Generator<RecordLayout> {
  let nameAt = start;
  for (let i = 0; i < count; i++) {
    const typeAt = endOfName(message, nameAt);
    const dataAt = typeAt + RECORD_LENGTH;
    if (dataAt > message.length) return;
    const end = dataAt + message.readUInt16BE(dataAt - 2);
    if (end > message.length) return;
    yield { nameAt, type: message.readUInt16BE(typeAt), typeAt, dataAt, end };
    nameAt = end;
  }
}

/** Null for what is malformed, or not of class IN. */
function readRecord(
  message: Buffer,
  { nameAt, type: number, typeAt, dataAt, end }: RecordLayout,
): ResourceRecord | null {
  const type = TYPES[number];
  const name = readName(message, nameAt);
  const isInternet = message.readUInt16BE(typeAt + 2) === CLASS.IN;
  if (type === undefined || name === null || !isInternet) return null;
  const data =
    type === 'CNAME' ? readOnlyName(message, dataAt, end) : readAddress(type, message.subarray(dataAt, end));
  return data === null ? null : { type, name, ttl: message.readUInt32BE(typeAt + 4), data };
}

function readOnlyName(message: Buffer, start: number, end: number): string | null {
  return endOfName(message, start) === end ? readName(message, start) : null;
}

/** RFC 1035 §3.4.1, RFC 3596 §2.2. */
function readAddress(type: 'A' | 'AAAA', bytes: Buffer): string | null {
  if (bytes.length !== (type === 'A' ? 4 : 16)) return null;
  return type === 'A' ? bytes.join('.') : ipv6.decode(bytes);
}

/** So many 16-bit numbers, as the wire has them. */
export function uint16s(...numbers: readonly number[]): Buffer {
  return Buffer.from(numbers.flatMap((number) => [number >> 8, number & 0xff]));
}

import { CLASS, FLAGS, HEADER_LENGTH, TYPE, UDP_PAYLOAD_SIZE, uint16s } from '../dns/wire/message.ts';
import { readName } from '../dns/wire/names.ts';
import { findEdns, type Question, readQuestion } from './question.ts';
import { type AddressRecords, pointerTo, SOA } from './records.ts';

/**
 * What the door makes of a name: a rule allows it; it is above (an ancestor of) one that a rule allows, so that it is there and has nothing
 * (RFC 8020); or it is neither.
 */
export type Verdict = 'allowed' | 'above' | 'unknown';

/** What it takes to answer. */
export interface Knowledge {
  /** Of an allowed name, for whoever asks here; null while there are none. */
  readonly recordsOf: (name: string) => AddressRecords | null;
  /** Called once for each question that is well-formed and in our class, with the name as `Question` has it. */
  readonly judge: (name: string) => Verdict;
  /** Whether a rule lists a name or one below it. Asked several times a question. */
  readonly isThere: (name: string) => boolean;
}

interface Outcome {
  readonly rcode: number;
  /** Whether it is about the name, for which we have the last word (AA). */
  readonly isAuthoritative: boolean;
  readonly answer: Buffer | null;
  /** Where in the message the name begins whose SOA says for how long there is no answer; null for none. */
  readonly owner: number | null;
}

/** No answer is longer, in bytes: so none is ever truncated (RFC 1035 §4.2.1). */
export const MAX_ANSWER = 512;

/** In the third byte of a header. */
const OPCODE = 0x78;
const RESPONSE = 0x80;
const AUTHORITATIVE = 0x04;
const RECURSION_DESIRED = 0x01;
/** RFC 1035 §4.1.1, RFC 6891 §9. */
const RCODE = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 };
const EDNS_VERSION = 0;
/** The root's name, OPT, the size, no flags and no options (RFC 6891 §6.1.2); and where in it the upper bits of the code and the flags are. */
const OPT = Buffer.concat([Buffer.of(0), uint16s(TYPE.OPT, UDP_PAYLOAD_SIZE, 0, 0, 0)]);
const EXTENDED_RCODE = 5;
const EDNS_FLAGS = 7;
const DO = 0x80;

/** Of questions that an address answers. */
const ADDRESS_TYPES: ReadonlySet<number> = new Set([TYPE.A, TYPE.AAAA, TYPE.ANY]);

const NOT_IMPLEMENTED = failure(RCODE.NOTIMP);
const MALFORMED = failure(RCODE.FORMERR);
const BAD_VERSION = failure(RCODE.BADVERS);
const REFUSED = failure(RCODE.REFUSED);
const FAILED = failure(RCODE.SERVFAIL);
/** With the name's own SOA: BIND fails where it forwards a zone and gets that of a name above the zone. */
const NO_DATA = { rcode: RCODE.NOERROR, isAuthoritative: true, answer: null, owner: HEADER_LENGTH };

/**
 * Writes the answer to a message into a room of MAX_ANSWER bytes, and returns its length; 0 for no answer at all, as to a response and to what is
 * shorter than a header: two servers could answer each other for ever.
 */
export function writeAnswer(message: Buffer, room: Buffer, knowledge: Knowledge): number {
  if (message.length < HEADER_LENGTH || ((message[2] as number) & RESPONSE) !== 0) return 0;
  // How others than queries go on is not known (RFC 8906 §3.1.4).
  if (((message[2] as number) & OPCODE) !== 0) return write({ message, room }, NOT_IMPLEMENTED, null);
  const question = readQuestion(message);
  if (question === null) return write({ message, room }, MALFORMED, null);
  return write({ message, room }, decide(message, question, knowledge), question);
}

function decide(message: Buffer, { name, type, inClass, edns }: Question, knowledge: Knowledge): Outcome {
  if (edns !== null && edns.version !== EDNS_VERSION) return BAD_VERSION;
  if (inClass !== CLASS.IN && inClass !== CLASS.ANY) return REFUSED;
  if (type === TYPE.AXFR || type === TYPE.IXFR) return REFUSED;
  const verdict = knowledge.judge(name);
  if (verdict === 'unknown') return noSuchName(enclosingAt(message, knowledge.isThere));
  if (verdict === 'above' || !ADDRESS_TYPES.has(type)) return NO_DATA;
  const records = knowledge.recordsOf(name);
  if (records === null) return FAILED;
  const answer = recordOf(type, records);
  return answer === null ? NO_DATA : { ...NO_DATA, answer, owner: null };
}

/** To ANY, one of those that there are (RFC 8482 §4.1): a client that has no other question finds its address, and no cache hears that there is nothing. */
function recordOf(type: number, { v4, v6 }: AddressRecords): Buffer | null {
  if (type === TYPE.A) return v4;
  if (type === TYPE.AAAA) return v6;
  return v4 ?? v6;
}

/** With the question as it was asked, bytes and case, where it could be read; and with EDNS where it has that, which may be read where a question is not. */
function write(
  { message, room }: { readonly message: Buffer; readonly room: Buffer },
  { rcode, isAuthoritative, answer, owner }: Outcome,
  question: Question | null,
): number {
  const kept = (message[2] as number) & (OPCODE | RECURSION_DESIRED);
  room[0] = message[0] as number;
  room[1] = message[1] as number;
  room[2] = RESPONSE | kept | (isAuthoritative ? AUTHORITATIVE : 0);
  room[3] = FLAGS.RA | (rcode & FLAGS.RCODE);
  room.fill(0, 4, HEADER_LENGTH);

  const { end: questionEnd, edns } = question ?? { end: HEADER_LENGTH, edns: findEdns(message) };
  let end = questionEnd;
  message.copy(room, HEADER_LENGTH, HEADER_LENGTH, end);
  room[5] = Number(question !== null);
  if (answer !== null) {
    room.set(answer, end);
    end += answer.length;
    room[7] = 1;
  }
  if (owner !== null) {
    room.set(SOA, end);
    room.writeUInt16BE(pointerTo(owner), end);
    end += SOA.length;
    room[9] = 1;
  }
  if (edns !== null) {
    room.set(OPT, end);
    room[end + EXTENDED_RCODE] = rcode >> 4;
    if (edns.wantsSignatures) room[end + EDNS_FLAGS] = DO;
    end += OPT.length;
    room[11] = 1;
  }
  return end;
}

/**
 * Where in the message the nearest name begins that is there and above that of the question, which is not. It owns the SOA: dnsmasq takes the owner for a
 * name that is there, and BIND and unbound ignore an owner above the zone that they forward. From the root down, so that of a long name no more labels are
 * read than rules have.
 */
function enclosingAt(message: Buffer, isThere: Knowledge['isThere']): number {
  const above: number[] = [];
  for (let at = HEADER_LENGTH; message[at] !== 0; above.push(at)) at += 1 + (message[at] as number);
  let nearest = above.pop() ?? HEADER_LENGTH;
  for (const at of above.toReversed()) {
    if (!isThere((readName(message, at) as string).toLowerCase())) break;
    nearest = at;
  }
  return nearest;
}

function noSuchName(owner: number): Outcome {
  return { rcode: RCODE.NXDOMAIN, isAuthoritative: true, answer: null, owner };
}

function failure(rcode: number): Outcome {
  return { rcode, isAuthoritative: false, answer: null, owner: null };
}

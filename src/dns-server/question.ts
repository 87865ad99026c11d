import {
  HEADER_LENGTH,
  QUESTION_LENGTH,
  type RecordLayout,
  recordLayouts,
  TYPE,
} from '../dns/wire/message.ts';
import { endOfName, MAX_LABEL, MAX_NAME, readName } from '../dns/wire/names.ts';

/** What somebody asks. */
export interface Question {
  /** In lower case, as zone files write it (RFC 1035 §5.1), without the root's dot: the root is ''. */
  readonly name: string;
  readonly type: number;
  readonly inClass: number;
  /** The byte behind the question. */
  readonly end: number;
  /** What is said of EDNS; null for nothing. */
  readonly edns: Edns | null;
}

interface Edns {
  readonly version: number;
  /** Whether signatures are wanted (DO, RFC 3225). */
  readonly wantsSignatures: boolean;
}

const DOT = 0x2e;
const BACKSLASH = 0x5c;
/** What begins an OPT record: the root's name (RFC 6891 §6.1.2). */
const ROOT_LENGTH = 1;
/** In the TTL of an OPT record (RFC 6891 §6.1.3). */
const EDNS_VERSION = 1;
const DO = 0x80;

/** A name is put together here: a byte for each of its characters. */
const plain = Buffer.alloc(MAX_NAME);

/**
 * Reads the question of a message that has a whole header; null for what is malformed or is not one question. Pointers are: a first name has none
 * before it to lead to (RFC 1035 §4.1.4). Records are looked at as far as it takes to find OPT, of which there may be one
 * (RFC 6891 §6.1.1), and what lies behind them is not.
 */
export function readQuestion(message: Buffer): Question | null {
  if (message.readUInt16BE(4) !== 1) return null;
  let isPlain = true;
  let at = HEADER_LENGTH;
  for (let length = message[at]; length !== 0; length = message[at]) {
    if (length === undefined || length > MAX_LABEL) return null;
    const end = at + 1 + length;
    if (end - HEADER_LENGTH >= MAX_NAME) return null;
    for (at++; at < end; at++) {
      const byte = message[at] as number;
      if (byte <= 0x20 || byte >= 0x7f || byte === DOT || byte === BACKSLASH) isPlain = false;
      plain[at - HEADER_LENGTH - 1] = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    }
    plain[at - HEADER_LENGTH - 1] = DOT;
  }
  const end = at + 1 + QUESTION_LENGTH;
  if (end > message.length) return null;
  const edns = readEdns(message, end);
  if (edns === undefined) return null;
  return {
    name: isPlain
      ? plain.toString('latin1', 0, at - HEADER_LENGTH - 1)
      : (readName(message, HEADER_LENGTH) as string).toLowerCase(),
    type: message.readUInt16BE(end - QUESTION_LENGTH),
    inClass: message.readUInt16BE(end - 2),
    end,
    edns,
  };
}

/** Undefined where the records are malformed. */
function readEdns(message: Buffer, start: number): Edns | null | undefined {
  const others = message.readUInt16BE(6) + message.readUInt16BE(8);
  const count = others + message.readUInt16BE(10);
  if (count === 0) return null;
  const layouts = [...recordLayouts(message, { start, count })];
  if (layouts.length < count) return undefined;
  const [opt, ...more] = layouts.filter(({ type }) => type === TYPE.OPT);
  if (opt === undefined) return null;
  if (more.length > 0 || layouts.indexOf(opt) < others || !isOfRoot(opt)) return undefined;
  return ednsOf(message, opt);
}

/**
 * What a message says of EDNS though it has no question that can be read, as far as it can be read itself: whoever sends an OPT record is to get one
 * (RFC 6891 §6.1.1). Of several, the first one counts.
 */
export function findEdns(message: Buffer): Edns | null {
  let start = HEADER_LENGTH;
  for (let left = message.readUInt16BE(4); left > 0 && start < message.length; left--)
    start = endOfName(message, start) + QUESTION_LENGTH;
  const others = message.readUInt16BE(6) + message.readUInt16BE(8);
  const count = others + message.readUInt16BE(10);
  let index = 0;
  for (const layout of recordLayouts(message, { start, count }))
    if (index++ >= others && layout.type === TYPE.OPT && isOfRoot(layout)) return ednsOf(message, layout);
  return null;
}

function isOfRoot({ nameAt, typeAt }: RecordLayout): boolean {
  return typeAt - nameAt === ROOT_LENGTH;
}

function ednsOf(message: Buffer, { typeAt }: RecordLayout): Edns {
  const ttlAt = typeAt + 4;
  return {
    version: message[ttlAt + EDNS_VERSION] as number,
    wantsSignatures: ((message[ttlAt + 2] as number) & DO) !== 0,
  };
}

import { deepEqual, equal, match, ok, throws } from 'node:assert/strict';
import { isIP } from 'node:net';

import * as dnsPacket from 'dns-packet';

import {
  HEADER_LENGTH,
  type Message,
  QUESTION_LENGTH,
  readMessage,
  recordLayouts,
  type ResourceRecord,
} from '../../../src/dns/wire/message.ts';
import { encodeName, endOfName, readName } from '../../../src/dns/wire/names.ts';
import { readAnswer } from '../../../src/dns/wire/query.ts';

/** All that readAnswer() says against a message. */
const REASONS = /^the answer (is malformed|is to another question|holds no sound (A|AAAA) record)$/;
/** What dns-packet and zone files write alike. */
const PLAIN = /^[\w.-]*$/;
/** A, CNAME, TXT, AAAA and OPT. */
const TYPES = new Set([1, 5, 16, 28, 41]);
const ANSWER_COUNT = 6;
const LATER_COUNTS = 8;

/** No message breaks the reader, what it reads is sound, dns-packet reads the same, and no answer counts for another question. */
export function fuzz(bytes: Buffer): void {
  const message = readMessage(bytes);
  expectMatching(bytes, message);
  if (message === null) return;
  for (const { type, name, ttl, data } of message.answers) {
    expectName(name);
    if (type === 'CNAME') expectName(data);
    else equal(isIP(data), type === 'A' ? 4 : 6);
    ok(ttl >= 0 && ttl < 2 ** 32);
  }
  if (message.question !== null && !message.isSpoilt) compare(bytes, message);
}

/** It can be written again, and reads the same then. */
function expectName(name: string): void {
  equal(readName(encodeName(name), 0), name);
}

function expectMatching(bytes: Buffer, message: Message | null): void {
  const { id = 0, question = null } = message ?? {};
  const asked = {
    name: question?.name ?? 'api.test',
    type: question?.type === 'AAAA' ? 'AAAA' : 'A',
  } as const;
  try {
    readAnswer({ ...asked, id, edns: true }, bytes);
  } catch (cause) {
    match((cause as Error).message, REASONS);
  }
  throws(() => readAnswer({ ...asked, id: id ^ 1, edns: true }, bytes), { message: REASONS });
  if (question !== null)
    throws(() => readAnswer({ ...asked, name: `x${question.name}`, id, edns: true }, bytes), {
      message: REASONS,
    });
}

interface Decoded extends dnsPacket.DecodedPacket {
  readonly rcode: string;
}

/** Header, question and answers as dns-packet reads them; null where it cannot. */
function decode(bytes: Buffer): Decoded | null {
  try {
    return dnsPacket.decode(Buffer.from(bytes).fill(0, LATER_COUNTS, HEADER_LENGTH)) as Decoded;
  } catch {
    return null;
  }
}

function compare(bytes: Buffer, { id, isResponse, isTruncated, question, answers }: Message): void {
  const start = endOfName(bytes, HEADER_LENGTH) + QUESTION_LENGTH;
  const layouts = recordLayouts(bytes, { start, count: bytes.readUInt16BE(ANSWER_COUNT) });
  // Of others it reads what their own syntax says, and goes on there and not behind their length.
  if (!layouts.every(({ type }) => TYPES.has(type))) return;
  const other = decode(bytes);
  if (other === null) return;
  deepEqual([other.id, other.type, other.flag_tc], [id, isResponse ? 'response' : 'query', isTruncated]);
  const asked = withoutRoot(other.questions?.[0]?.name ?? '');
  if (arePlain(question?.name, asked)) equal(question?.name, asked);
  const known = (other.answers ?? []).filter(isKnown).map(gistOf);
  ok(
    known.length === answers.length && answers.every((each, i) => isSame(gistOf(each), known[i] as Known)),
    `it reads ${JSON.stringify(answers)}, and dns-packet ${JSON.stringify(known)}`,
  );
}

type Known = Pick<ResourceRecord, 'type' | 'name' | 'ttl' | 'data'>;

function isKnown(record: dnsPacket.Answer): record is dnsPacket.Answer & Known {
  return record.type === 'A' || record.type === 'AAAA' || record.type === 'CNAME';
}

function gistOf({ type, name, ttl, data }: Known): Known {
  return { type, name: withoutRoot(name), ttl, data: type === 'CNAME' ? withoutRoot(data) : data };
}

function withoutRoot(name: string): string {
  return name === '.' ? '' : name;
}

function isSame(one: Known, other: Known): boolean {
  const isSameText = (a: string, b: string) => !arePlain(a, b) || a === b;
  return (
    one.type === other.type &&
    one.ttl === other.ttl &&
    isSameText(one.name, other.name) &&
    (one.type === 'CNAME' ? isSameText(one.data, other.data) : one.data === other.data)
  );
}

function arePlain(...names: readonly (string | undefined)[]): boolean {
  return names.every((name) => name !== undefined && PLAIN.test(name));
}

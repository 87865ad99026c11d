import { deepEqual, equal, ok } from 'node:assert/strict';

import * as dnsPacket from 'dns-packet';

import { MAX_ANSWER, type Verdict, writeAnswer } from '../../../src/dns-server/answer.ts';
import { addressRecord } from '../../../src/dns-server/records.ts';
import { HEADER_LENGTH } from '../../../src/dns/wire/message.ts';

const RECORDS = { v4: addressRecord('10.0.0.9'), v6: addressRecord('fd00::9') };
const VERDICTS: Readonly<Record<string, Verdict>> = { 'api.test': 'allowed', test: 'above', '': 'above' };

/** Of a name that dnsPacket writes as we do. */
const IS_PLAIN = /^[\w.-]+$/;

/** Every query has one short answer, which bears its ID and is no question; dns-packet reads it, and has read the same question. */
export function fuzz(message: Buffer): void {
  const { bytes, judged } = answerTo(message);
  const isQuery = message.length >= HEADER_LENGTH && (message[2] as number) < 0x80;
  equal(bytes.length > 0, isQuery);
  if (!isQuery) return;
  ok(bytes.length <= MAX_ANSWER);
  ok(bytes.length <= message.length + LONGEST_MORE, 'it answers with far more than it was sent');
  deepEqual(bytes.subarray(0, 2), message.subarray(0, 2));
  equal(answerTo(bytes).bytes.length, 0, 'it answers itself');
  ok(judged.length <= 1);

  const answer = decode(bytes);
  ok(answer !== null, 'dns-packet cannot read the answer');
  const question = answer.questions?.[0];
  const [name] = judged;
  if (name !== undefined) {
    const verdict = VERDICTS[name] ?? 'unknown';
    equal(answer.rcode, verdict === 'unknown' ? 'NXDOMAIN' : 'NOERROR');
    equal((answer.answers?.length ?? 0) > 0, verdict === 'allowed' && hasAddress(question));
    equal(answer.flag_aa, true);
    if (verdict === 'unknown' && IS_PLAIN.test(name))
      deepEqual(
        answer.authorities?.map((soa) => soa.name.toLowerCase()),
        [['api.test', 'test'].find((owner) => name.endsWith(`.${owner}`)) ?? '.'],
      );
  } else deepEqual(answer.answers, []);
  const asked = decode(message)?.questions?.[0];
  if (question === undefined || asked === undefined) return;
  deepEqual(question, asked);
  if (name !== undefined && IS_PLAIN.test(name)) equal(name, asked.name.toLowerCase());
}

/** A negative answer's SOA record and OPT, in bytes. */
const LONGEST_MORE = 59 + 11;

function hasAddress(question: dnsPacket.Question | undefined): boolean {
  return question !== undefined && ['A', 'AAAA', 'ANY'].includes(question.type);
}

interface Decoded extends dnsPacket.DecodedPacket {
  readonly rcode: string;
}

function decode(bytes: Buffer): Decoded | null {
  try {
    return dnsPacket.decode(bytes) as Decoded;
  } catch {
    return null;
  }
}

/** The answer, in a room that holds something else, and the names that were judged for it. */
function answerTo(message: Buffer) {
  const judged: string[] = [];
  const room = Buffer.alloc(MAX_ANSWER, 0xff);
  const length = writeAnswer(message, room, {
    recordsOf: () => RECORDS,
    judge: (name) => {
      judged.push(name);
      return VERDICTS[name] ?? 'unknown';
    },
    isThere: (name) => Object.hasOwn(VERDICTS, name),
  });
  return { bytes: room.subarray(0, length), judged };
}

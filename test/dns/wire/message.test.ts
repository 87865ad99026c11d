import { isIP } from 'node:net';

import * as dnsPacket from 'dns-packet';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { encodeQuery, readMessage } from '../../../src/dns/wire/message.ts';
import {
  a,
  aaaa,
  cname,
  QUESTION_NAME,
  rawMessage,
  rawName,
  rawQuestion,
  rawRecord,
  RESPONSE,
} from '../../helpers/dns.ts';

const [A, NS, CNAME, SOA, TXT, AAAA, OPT] = [1, 2, 5, 6, 16, 28, 41];
const CHAOS = 3;
const [AUTHORITATIVE, RECURSION_AVAILABLE] = [0x400, 0x80];

const address = [192, 0, 2, 1];
const good = rawRecord(A, address);
const goodRecord = a('api.test', '192.0.2.1');
/** Where the first answer to the question for api.test begins. */
const ANSWERS_AT = rawMessage({}).length;
/** Where the data of that answer begins. */
const DATA_AT = ANSWERS_AT + 12;

const pointer = (to: number) => Buffer.of(0xc0 | (to >> 8), to & 0xff);
/** A record that holds so many pointers, each to the one before it, and one whose owner is at the last of them. */
const chained = (length: number) => [
  rawRecord(
    TXT,
    Buffer.concat(Array.from({ length }, (_, i) => pointer(i === 0 ? 12 : DATA_AT + 2 * (i - 1)))),
  ),
  rawRecord(A, address, { owner: pointer(DATA_AT + 2 * (length - 1)) }),
];

test.each<[what: string, packet: Buffer, answers: readonly object[], isSpoilt: boolean]>([
  ['an A record', rawMessage({ answers: [good] }), [goodRecord], false],
  [
    'an AAAA record',
    rawMessage({ answers: [rawRecord(AAAA, [0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 1])] }),
    [aaaa('api.test', '2001:db8::1')],
    false,
  ],
  [
    'a CNAME whose name ends in the question’s',
    rawMessage({ answers: [rawRecord(CNAME, [3, ...Buffer.from('pop'), 0xc0, 16])] }),
    [cname('api.test', 'pop.test')],
    false,
  ],
  ['no record', rawMessage({}), [], false],
  // Of the wrong length, or class.
  ['an A record of 3 bytes', rawMessage({ answers: [rawRecord(A, [192, 0, 2])] }), [], true],
  ['an A record of 5 bytes', rawMessage({ answers: [rawRecord(A, [...address, 0])] }), [], true],
  ['an A record of 16 bytes', rawMessage({ answers: [rawRecord(A, Array(16).fill(1))] }), [], true],
  ['an empty A record', rawMessage({ answers: [rawRecord(A, [])] }), [], true],
  ['an AAAA record of 4 bytes', rawMessage({ answers: [rawRecord(AAAA, address)] }), [], true],
  ['an A record of class CH', rawMessage({ answers: [rawRecord(A, address, { inClass: CHAOS })] }), [], true],
  [
    'bad A records around a good one',
    rawMessage({
      answers: [rawRecord(A, [1, 2, 3]), good, rawRecord(A, address, { inClass: CHAOS }), rawRecord(A, [])],
    }),
    [goodRecord],
    true,
  ],
  // Beyond the packet.
  ['an A record without its last byte', rawMessage({ answers: [good.subarray(0, -1)] }), [], true],
  ['an A record without data', rawMessage({ answers: [good.subarray(0, -4)] }), [], true],
  ['a record cut within its length', rawMessage({ answers: [good.subarray(0, -5)] }), [], true],
  ['a record cut within its name', rawMessage({ answers: [QUESTION_NAME.subarray(0, 1)] }), [], true],
  [
    'a length beyond the packet',
    rawMessage({ answers: [rawRecord(A, address, { length: 0xffff })] }),
    [],
    true,
  ],
  ['a second record that is cut', rawMessage({ answers: [good, good.subarray(0, -1)] }), [goodRecord], true],
  [
    'fewer records than are announced',
    rawMessage({ answers: [good], counts: { answers: 3 } }),
    [goodRecord],
    true,
  ],
  [
    'more records than are announced',
    rawMessage({ answers: [good, good], counts: { answers: 1 } }),
    [goodRecord],
    false,
  ],
  // Others do not spoil it.
  [
    'a TXT record whose strings are longer than it is',
    rawMessage({ answers: [rawRecord(TXT, [200, 1]), good] }),
    [goodRecord],
    false,
  ],
  [
    'a record of an unknown type',
    rawMessage({ answers: [rawRecord(65_280, [1, 2, 3]), good] }),
    [goodRecord],
    false,
  ],
  [
    'a TXT record whose owner is no name',
    rawMessage({ answers: [rawRecord(TXT, [], { owner: Buffer.of(0xff, 0xff) }), good] }),
    [goodRecord],
    false,
  ],
  [
    'an SOA record that is empty',
    rawMessage({ answers: [good], authorities: [rawRecord(SOA, [])] }),
    [goodRecord],
    false,
  ],
  [
    'an EDNS option longer than its record',
    rawMessage({
      answers: [good],
      additionals: [rawRecord(OPT, [0, 10, 0xff, 0xff], { owner: rawName(), inClass: 1_232 })],
    }),
    [goodRecord],
    false,
  ],
  [
    'a cut additional section',
    rawMessage({ answers: [good], additionals: [Buffer.of(0, 0)] }),
    [goodRecord],
    false,
  ],
  [
    'bytes behind the end',
    Buffer.concat([rawMessage({ answers: [good] }), Buffer.alloc(9)]),
    [goodRecord],
    false,
  ],
  // Names.
  [
    'an owner that points at itself',
    rawMessage({ answers: [rawRecord(A, address, { owner: Buffer.of(0xc0, ANSWERS_AT) }), good] }),
    [goodRecord],
    true,
  ],
  [
    'an owner that points forwards',
    rawMessage({ answers: [rawRecord(A, address, { owner: Buffer.of(0xc0, ANSWERS_AT + 16) }), good] }),
    [goodRecord],
    true,
  ],
  [
    'an owner that points beyond the packet',
    rawMessage({ answers: [rawRecord(A, address, { owner: Buffer.of(0xff, 0xff) }), good] }),
    [goodRecord],
    true,
  ],
  [
    'an owner that a pointer before it leads round',
    rawMessage({
      answers: [
        rawRecord(TXT, [1, 97, 0xc0, DATA_AT]),
        rawRecord(A, address, { owner: Buffer.of(0xc0, DATA_AT) }),
        good,
      ],
    }),
    [goodRecord],
    true,
  ],
  [
    'an owner of 256 bytes',
    rawMessage({
      answers: [rawRecord(A, address, { owner: rawName(...Array(4).fill('x'.repeat(62)), 'ab') }), good],
    }),
    [goodRecord],
    true,
  ],
  [
    'an owner of 255 bytes',
    rawMessage({
      answers: [rawRecord(A, address, { owner: rawName(...Array(4).fill('x'.repeat(62)), 'a') })],
    }),
    [a([...Array(4).fill('x'.repeat(62)), 'a'].join('.'), '192.0.2.1')],
    false,
  ],
  [
    'a label of a reserved kind',
    rawMessage({ answers: [good, rawRecord(A, address, { owner: Buffer.of(0x41, 97, 0) })] }),
    [goodRecord],
    true,
  ],
  [
    'an owner with a dot and other bytes in a label',
    rawMessage({ answers: [rawRecord(A, address, { owner: rawName('api.test', 'a\\b', '\u001B\u00FF ') })] }),
    [a('api\\.test.a\\\\b.\\027\\255\\032', '192.0.2.1')],
    false,
  ],
  ['a CNAME that is followed by more', rawMessage({ answers: [rawRecord(CNAME, [0xc0, 12, 0])] }), [], true],
  [
    'a CNAME that leaves its record',
    rawMessage({ answers: [rawRecord(CNAME, [3, 97]), good] }),
    [goodRecord],
    true,
  ],
  ['a CNAME that points at itself', rawMessage({ answers: [rawRecord(CNAME, [0xc0, DATA_AT])] }), [], true],
  ['a CNAME to the root', rawMessage({ answers: [rawRecord(CNAME, [0])] }), [cname('api.test', '')], false],
  ['an owner behind 100 pointers', rawMessage({ answers: chained(100) }), [goodRecord], false],
  ['an owner behind 300 pointers', rawMessage({ answers: [...chained(300), good] }), [goodRecord], true],
  // TTLs of 32 bits.
  [
    'the longest TTL',
    rawMessage({ answers: [rawRecord(A, address, { ttl: 0xffff_ffff })] }),
    [a('api.test', '192.0.2.1', 0xffff_ffff)],
    false,
  ],
])('readMessage() reads %s', (_what, packet, answers, isSpoilt) => {
  expect(readMessage(packet)).toMatchObject({
    question: { name: 'api.test', type: 'A' },
    answers,
    isSpoilt,
  });
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['a header without its last byte', rawMessage({ questions: [] }).subarray(0, -1)],
  ['a question cut within its name', rawMessage({ questions: [Buffer.of(3, 97)] })],
  ['a question cut behind its name', rawMessage({ questions: [rawName('api', 'test')] })],
  ['a question without its last byte', rawMessage({ questions: [rawQuestion('api.test').subarray(0, -1)] })],
  ['a question that points at itself', rawMessage({ questions: [Buffer.of(0xc0, 12, 0, 1, 0, 1)] })],
  ['a question of class CH', rawMessage({ questions: [rawQuestion('api.test', { inClass: CHAOS })] })],
  ['two questions', rawMessage({ questions: [rawQuestion('api.test'), rawQuestion('api.test')] })],
])('readMessage() reads nothing in %s', (_what, packet) => {
  expect(readMessage(packet)).toBe(null);
});

test('readMessage() reads an error that is a bare header', () => {
  expect(readMessage(rawMessage({ id: 7, flags: RESPONSE | 1, questions: [] }))).toMatchObject({
    id: 7,
    isResponse: true,
    rcode: 'FORMERR',
    question: null,
    answers: [],
  });
});

const ns = rawRecord(NS, rawName('ns', 'test'));
const soa = rawRecord(SOA, [0, 0, ...Array(20).fill(0)]);
test.each<[what: string, flags: number, sections: object, isLame: boolean]>([
  ['nothing, without recursion', 0, {}, true],
  ['nothing, with recursion', RECURSION_AVAILABLE, {}, false],
  ['nothing, by authority', AUTHORITATIVE, {}, false],
  ['an SOA record, without recursion', 0, { authorities: [soa] }, false],
  [
    'a referral to the root',
    0,
    { authorities: [rawRecord(NS, rawName('a', 'root'), { owner: rawName() })] },
    true,
  ],
  ['a referral, with recursion', RECURSION_AVAILABLE, { authorities: [ns] }, true],
  ['an SOA and an NS record', RECURSION_AVAILABLE, { authorities: [ns, soa] }, false],
  ['an answer, without recursion', 0, { answers: [good] }, false],
  ['an answer and an NS record', 0, { answers: [good], authorities: [ns] }, false],
])('readMessage() tells whether it is lame: %s', (_what, flags, sections, isLame) => {
  expect(readMessage(rawMessage({ flags: RESPONSE | flags, ...sections }))).toMatchObject({ isLame });
});

const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'));
const ttl = fc.nat(0xffff_ffff);
const groups = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 });
const record = fc.oneof(
  fc.record({ type: fc.constant('A' as const), name, ttl, data: fc.ipV4() }),
  fc.record({
    type: fc.constant('AAAA' as const),
    name,
    ttl,
    data: groups.map((all) => all.map((group) => group.toString(16)).join(':')),
  }),
  fc.record({ type: fc.constant('CNAME' as const), name, ttl, data: name }),
  fc.record({ type: fc.constant('TXT' as const), name, ttl, data: fc.string({ maxLength: 30 }) }),
);
const message = fc.record({
  type: fc.constant('response' as const),
  id: fc.nat(0xffff),
  flags: fc.constant(dnsPacket.RECURSION_AVAILABLE),
  questions: fc.tuple(fc.record({ type: fc.constant('A' as const), name })),
  answers: fc.array(record, { maxLength: 8 }),
});

test('readMessage() and encodeQuery() agree with dns-packet', () => {
  fc.assert(
    fc.property(message, (packet) => {
      const bytes = dnsPacket.encode(packet);
      const { answers = [] } = dnsPacket.decode(bytes);
      const known = answers.filter(({ type }) => type !== 'TXT');
      const asked = packet.questions[0];
      expect(readMessage(bytes)).toMatchObject({
        id: packet.id,
        question: asked,
        answers: known.map((each) => ({
          type: each.type,
          name: each.name,
          ttl: 'ttl' in each ? each.ttl : null,
          data: 'data' in each ? each.data : null,
        })),
        isSpoilt: false,
      });
      const query = { id: packet.id, ...asked, edns: packet.id % 2 === 0 };
      expect(dnsPacket.decode(encodeQuery(query))).toMatchObject({
        type: 'query',
        id: packet.id,
        flag_rd: true,
        questions: [{ ...asked, class: 'IN' }],
        additionals: query.edns
          ? [{ type: 'OPT', name: '.', udpPayloadSize: 1_232, flags: 0, options: [] }]
          : [],
      });
    }),
  );
});

test('readMessage() believes no address that is none, wherever a message is cut and changed', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(message, fc.nat(), changes, (packet, cut, bytesAt) => {
      const bytes = dnsPacket.encode(packet);
      for (const [at, byte] of bytesAt) bytes[at % bytes.length] = byte;
      const read = readMessage(bytes.subarray(0, cut % (bytes.length + 1)));
      const addresses = read?.answers.filter(({ type }) => type !== 'CNAME') ?? [];
      const wrong = addresses.filter(({ type, data }) => isIP(data) !== (type === 'A' ? 4 : 6));
      expect(wrong).toEqual([]);
    }),
  );
});

test('encodeQuery() writes what readMessage() has read of a name, whatever is in it', () => {
  const labels = fc.array(fc.uint8Array({ minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(labels, (raw) => {
      const encoded = rawName(...raw.map((bytes) => Buffer.from(bytes).toString('latin1')));
      const read = readMessage(rawMessage({ answers: [rawRecord(CNAME, encoded)] }));
      const query = encodeQuery({ id: 0, name: read?.answers[0]?.data ?? '', type: 'A', edns: false });
      expect(query.subarray(12, -4)).toEqual(encoded);
    }),
  );
});

test('encodeQuery() refuses a name that is too long', () => {
  const asking = (asked: string) => () => encodeQuery({ id: 0, name: asked, type: 'A', edns: false });
  expect(asking('x'.repeat(64))).toThrow('too long');
  expect(asking(Array(64).fill('abc').join('.'))).toThrow('too long');
  expect(asking(`${'x'.repeat(63)}.test.`)).not.toThrow();
});

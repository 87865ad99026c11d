import * as dnsPacket from 'dns-packet';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { MAX_ANSWER, type Verdict, writeAnswer } from '../../src/dns-server/answer.ts';
import { addressRecord, type AddressRecords } from '../../src/dns-server/records.ts';
import { uint16s } from '../../src/dns/wire/message.ts';
import { decodeAnswer } from '../helpers/dns-server.ts';
import { QUESTION_NAME, rawMessage, rawName, rawQuestion, rawRecord, RESPONSE } from '../helpers/dns.ts';

const TYPES = {
  A: 1,
  NS: 2,
  SOA: 6,
  MX: 15,
  AAAA: 28,
  OPT: 41,
  HTTPS: 65,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
};
const CLASSES = { CHAOS: 3, HESIOD: 4, NONE: 254, ANY: 255 };
const { RECURSION_DESIRED, AUTHENTIC_DATA, CHECKING_DISABLED } = dnsPacket;
const [Z, TRUNCATED, DO] = [0x40, 0x200, 0x80_00];
const ROOT = Buffer.of(0);
const BOTH = { v4: addressRecord('10.0.0.9'), v6: addressRecord('fd00::9') };
const ID = 0xab_cd;
/** For how long caches keep a negative answer, by the name that is said to be there. */
const soaOf = (name: string) => ({
  name,
  type: 'SOA',
  ttl: 5,
  data: { mname: 'localhost', rname: 'nobody.invalid', minimum: 5 },
});

const VERDICTS: Readonly<Record<string, Verdict>> = {
  'api.test': 'allowed',
  test: 'above',
  '': 'above',
};

/** The answer to a message, and what was asked about names meanwhile. */
function answerTo(message: Buffer, records: AddressRecords = BOTH) {
  const judged: string[] = [];
  const room = Buffer.alloc(MAX_ANSWER, 0xff);
  const length = writeAnswer(message, room, {
    recordsOf: () => records,
    judge: (name) => {
      judged.push(name);
      return VERDICTS[name] ?? 'unknown';
    },
    isThere: (name) => Object.hasOwn(VERDICTS, name),
  });
  return { bytes: room.subarray(0, length), judged };
}

const ask = (name: string, type: number, rest: Parameters<typeof rawMessage>[0] = {}) =>
  rawMessage({ id: ID, flags: RECURSION_DESIRED, questions: [rawQuestion(name, { type })], ...rest });
const opt = ({ version = 0, flags = 0, data = Buffer.alloc(0), owner = ROOT, size = 4_096 } = {}) =>
  rawRecord(TYPES.OPT, data, { owner, inClass: size, ttl: (version << 16) | flags });
const withOpt = (options?: Parameters<typeof opt>[0], type = TYPES.A) =>
  ask('api.test', type, { additionals: [opt(options)] });

test.each<[what: string, name: string, type: number, answers: object[]]>([
  ['A', 'api.test', TYPES.A, [{ type: 'A', data: '10.0.0.9' }]],
  ['AAAA', 'api.test', TYPES.AAAA, [{ type: 'AAAA', data: 'fd00::9' }]],
  ['A in another case', 'aPi.TEST', TYPES.A, [{ type: 'A', data: '10.0.0.9' }]],
  ['ANY, with one of its records (RFC 8482)', 'api.test', TYPES.ANY, [{ type: 'A', data: '10.0.0.9' }]],
])('an allowed name has %s', (_, name, type, answers) => {
  const { bytes, judged } = answerTo(ask(name, type));
  expect(decodeAnswer(bytes)).toMatchObject({
    id: ID,
    type: 'response',
    rcode: 'NOERROR',
    flag_aa: true,
    flag_ra: true,
    flag_rd: true,
    questions: [{ name }],
    answers: answers.map((answer) => ({ name, ttl: 30, class: 'IN', ...answer })),
    authorities: [],
    additionals: [],
  });
  expect(judged).toEqual(['api.test']);
});

test.each<[what: string, name: string, type: number, rcode: string, owner: string]>([
  ['MX of an allowed name', 'Api.test', TYPES.MX, 'NOERROR', 'Api.test'],
  ['HTTPS of an allowed name', 'api.test', TYPES.HTTPS, 'NOERROR', 'api.test'],
  ['SOA of an allowed name', 'api.test', TYPES.SOA, 'NOERROR', 'api.test'],
  ['an unassigned type of an allowed name', 'api.test', 65_280, 'NOERROR', 'api.test'],
  ['A of a name above', 'Test', TYPES.A, 'NOERROR', 'Test'],
  ['NS of the root', '', TYPES.NS, 'NOERROR', '.'],
  ['A of a name below an allowed one', 'a.b.Api.test', TYPES.A, 'NXDOMAIN', 'Api.test'],
  ['A of a name below one that is above', 'other.test', TYPES.A, 'NXDOMAIN', 'test'],
  ['AAAA of a name elsewhere', 'API.example', TYPES.AAAA, 'NXDOMAIN', '.'],
  ['HTTPS of a name elsewhere', 'example', TYPES.HTTPS, 'NXDOMAIN', '.'],
  ['ANY of a name elsewhere', 'api.example', TYPES.ANY, 'NXDOMAIN', '.'],
])('%s: nothing, and an SOA for caches', (_, name, type, rcode, owner) => {
  const { bytes, judged } = answerTo(
    ask('', 0, {
      questions: [Buffer.concat([rawName(...name.split('.').filter(Boolean)), uint16s(type, 1)])],
    }),
  );
  expect(decodeAnswer(bytes)).toMatchObject({
    id: ID,
    rcode,
    flag_aa: true,
    flag_ra: true,
    answers: [],
    authorities: [soaOf(owner)],
    additionals: [],
  });
  expect(judged).toEqual([name.toLowerCase()]);
});

test.each<[what: string, records: AddressRecords, answered: number[]]>([
  ['A, AAAA', BOTH, [TYPES.A, TYPES.AAAA, TYPES.ANY]],
  ['AAAA alone', { ...BOTH, v4: null }, [TYPES.AAAA, TYPES.ANY]],
  ['A alone', { ...BOTH, v6: null }, [TYPES.A, TYPES.ANY]],
  ['neither', { v4: null, v6: null }, []],
])('a family that we have no address of has no data: %s', (_, records, answered) => {
  for (const type of [TYPES.A, TYPES.AAAA, TYPES.ANY]) {
    const { rcode, answers, authorities } = decodeAnswer(answerTo(ask('api.test', type), records).bytes);
    const isAnswered = answered.includes(type);
    expect([rcode, answers.length, authorities.length]).toEqual([
      'NOERROR',
      Number(isAnswered),
      Number(!isAnswered),
    ]);
  }
});

test.each<[what: string, message: Buffer, rcode: string]>([
  ['AXFR', ask('api.test', TYPES.AXFR), 'REFUSED'],
  [
    'IXFR, with the SOA of the client',
    ask('api.test', TYPES.IXFR, { authorities: [rawRecord(TYPES.SOA, Buffer.alloc(22))] }),
    'REFUSED',
  ],
  [
    'class CH',
    ask('', 0, { questions: [rawQuestion('version.bind', { type: 16, inClass: CLASSES.CHAOS })] }),
    'REFUSED',
  ],
  ['class HS', ask('', 0, { questions: [rawQuestion('api.test', { inClass: CLASSES.HESIOD })] }), 'REFUSED'],
  ['class NONE', ask('', 0, { questions: [rawQuestion('api.test', { inClass: CLASSES.NONE })] }), 'REFUSED'],
])('%s is refused, and no name judged', (_, message, rcode) => {
  const { bytes, judged } = answerTo(message);
  expect(decodeAnswer(bytes)).toMatchObject({
    id: ID,
    rcode,
    flag_aa: false,
    answers: [],
    authorities: [],
  });
  expect(decodeAnswer(bytes).questions).toHaveLength(1);
  expect(judged).toEqual([]);
});

test('class ANY is ours, and is answered in class IN', () => {
  const questions = [rawQuestion('api.test', { inClass: CLASSES.ANY })];
  const { bytes } = answerTo(ask('', 0, { questions }));
  expect(decodeAnswer(bytes)).toMatchObject({
    questions: [{ class: 'ANY' }],
    answers: [{ type: 'A', class: 'IN', data: '10.0.0.9' }],
  });
});

test.each([1, 2, 3, 4, 5, 6, 15])('opcode %i is not implemented', (opcode) => {
  for (const message of [ask('api.test', TYPES.A), Buffer.alloc(12), Buffer.from('not a question at all')]) {
    message[2] = (opcode << 3) | 1;
    const { bytes, judged } = answerTo(message);
    const header = [message[0], message[1], 0x80 | (opcode << 3) | 1, 0x84, ...Array<number>(8).fill(0)];
    expect([...bytes]).toEqual(header);
    expect(judged).toEqual([]);
  }
});

test.each<[what: string, message: Buffer]>([
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.of(1)],
  ['a header less its last byte', ask('api.test', TYPES.A).subarray(0, 11)],
  ['a response', ask('api.test', TYPES.A, { flags: RESPONSE })],
  ['a malformed response', Buffer.concat([rawMessage({ questions: [] }), Buffer.from('?')])],
  ['a response of another opcode', ask('api.test', TYPES.A, { flags: RESPONSE | 0x28_00 })],
])('%s has no answer at all', (_, message) => {
  expect(answerTo(message)).toEqual({ bytes: Buffer.alloc(0), judged: [] });
});

const long = 'x'.repeat(63);
const question = rawQuestion('api.test');
/** A message with a question of these bytes, or as much of it as there is. */
const rawAsk = (...bytes: readonly number[]) => ask('', 0, { questions: [Buffer.from(bytes)] });
const extra = rawRecord(TYPES.A, [1, 2, 3, 4]);

test.each<[what: string, message: Buffer]>([
  ['no question', ask('', 0, { questions: [] })],
  ['two questions', ask('', 0, { questions: [question, question] })],
  ['a question that is not there', ask('', 0, { questions: [], counts: { questions: 1 } })],
  ['more questions than any message holds', ask('api.test', 1, { counts: { questions: 65_535 } })],
  ['a question without its last byte', ask('api.test', 1).subarray(0, -1)],
  ['a question that ends behind its name', ask('api.test', 1).subarray(0, -4)],
  ['a name without its end', ask('api.test', 1).subarray(0, -5)],
  ['a label that ends the message', rawAsk(3, 97, 98)],
  ['a pointer to itself', rawAsk(0xc0, 12, 0, 1, 0, 1)],
  ['a label and a pointer to it', rawAsk(1, 97, 0xc0, 12, 0, 1, 0, 1)],
  ['a pointer forward', rawAsk(0xc0, 18, 0, 1, 0, 1, 0)],
  ['a pointer into the header', rawAsk(0xc0, 4, 0, 1, 0, 1)],
  ['half a pointer', rawAsk(0xc0)],
  ['an extended label (RFC 6891 §5)', rawAsk(0x41, 97, 0, 0, 1, 0, 1)],
  ['a label of 64 bytes', rawAsk(64, ...Array<number>(64).fill(97), 0, 0, 1, 0, 1)],
  ['a label type that is not in use', rawAsk(0x80, 97, 0, 0, 1, 0, 1)],
  [
    'a name of 256 bytes',
    ask('', 0, {
      questions: [Buffer.concat([rawName(long, long, long, 'x'.repeat(62)), Buffer.of(0, 1, 0, 1)])],
    }),
  ],
  ['more records than there are', ask('api.test', 1, { counts: { answers: 1 } })],
  ['a record without its last byte', ask('api.test', 1, { additionals: [extra] }).subarray(0, -1)],
  ['an OPT record that is an answer', ask('api.test', 1, { answers: [opt()] })],
  [
    'an OPT record in the authority section',
    ask('api.test', 1, { authorities: [opt()], additionals: [extra] }),
  ],
  ['an OPT record of another name than the root', withOpt({ owner: QUESTION_NAME })],
  ['an OPT record of another version that is cut short', withOpt({ version: 1 }).subarray(0, -1)],
])('%s is malformed', (_, message) => {
  const { bytes, judged } = answerTo(message);
  expect(bytes.toString('hex')).toBe(`abcd8181${'0000'.repeat(4)}`);
  expect(judged).toEqual([]);
});

const notified = (message: Buffer) => {
  message[2] = 4 << 3;
  return message;
};

test.each<[what: string, message: Buffer, rcode: string, expected?: object]>([
  [
    'two OPT records',
    ask('api.test', 1, { additionals: [opt({ flags: DO }), opt()] }),
    'FORMERR',
    { flag_do: true },
  ],
  ['no question', ask('', 0, { questions: [], additionals: [opt()] }), 'FORMERR'],
  ['two questions', ask('', 0, { questions: [question, question], additionals: [opt()] }), 'FORMERR'],
  [
    'a pointer',
    ask('', 0, { questions: [Buffer.of(0xc0, 12, 0, 1, 0, 1)], additionals: [opt()] }),
    'FORMERR',
  ],
  [
    'an end that comes too soon',
    ask('api.test', 1, { additionals: [opt(), extra] }).subarray(0, -1),
    'FORMERR',
  ],
  ['another opcode', notified(withOpt()), 'NOTIMP'],
  [
    'another opcode, and records before it',
    notified(
      ask('api.test', 1, {
        answers: [extra],
        authorities: [opt()],
        additionals: [extra, opt({ flags: DO })],
      }),
    ),
    'NOTIMP',
    { flag_do: true },
  ],
  ['another opcode, and an unknown version', notified(withOpt({ version: 1 })), 'NOTIMP'],
])('a message with %s and EDNS has EDNS in its answer', (_, message, rcode, expected) => {
  const { bytes, judged } = answerTo(message);
  expect(decodeAnswer(bytes)).toMatchObject({
    id: ID,
    rcode,
    questions: [],
    answers: [],
    authorities: [],
    additionals: [{ type: 'OPT', name: '.', extendedRcode: 0, ednsVersion: 0, flag_do: false, ...expected }],
  });
  expect(bytes).toHaveLength(12 + 11);
  expect(judged).toEqual([]);
});

test('the longest name is answered, and nothing is longer', () => {
  const labels = [long, long, long, 'x'.repeat(61)];
  const name = rawName(...labels);
  expect(name).toHaveLength(255);
  const questions = [Buffer.concat([name, Buffer.of(0, 1, 0, 1)])];
  const { bytes, judged } = answerTo(ask('', 0, { questions, additionals: [opt()] }));
  expect(judged).toEqual([labels.join('.')]);
  expect(decodeAnswer(bytes).rcode).toBe('NXDOMAIN');
  expect(bytes.length).toBeLessThanOrEqual(MAX_ANSWER);
});

test.each<[what: string, labels: readonly string[], owner: string]>([
  ['beyond the reach of one byte', [long, long, long, 'x'.repeat(52), 'Api', 'test'], 'Api.test'],
  ['in whose first label another is', ['x.api', 'test'], 'test'],
  ['in whose second label another is', ['x', 'api.test'], '.'],
])('the SOA of a name that is not there is of the nearest that is: %s', (_, labels, owner) => {
  const questions = [Buffer.concat([rawName(...labels), uint16s(TYPES.A, 1)])];
  const { authorities } = decodeAnswer(answerTo(ask('', 0, { questions })).bytes);
  expect(authorities).toMatchObject([soaOf(owner)]);
});

test('of a long name, no more labels are read than those of rules are long', () => {
  const questions = [
    Buffer.concat([rawName('!', ...Array<string>(120).fill('a'), 'test'), uint16s(TYPES.A, 1)]),
  ];
  const asked: string[] = [];
  const isThere = (name: string) => asked.push(name) > 0 && name === 'test';
  const knowledge = { judge: () => 'unknown' as const, recordsOf: () => BOTH, isThere };
  writeAnswer(ask('', 0, { questions }), Buffer.alloc(MAX_ANSWER), knowledge);
  expect(asked).toEqual(['test', 'a.test']);
});

test.each([
  [['Api.test'], 'api\\.test'],
  [['a\\B', 'test'], 'a\\\\b.test'],
  [['a b'], 'a\\032b'],
  [['a\u007f'], 'a\\127'],
  [['X', '\0\u00ff', 'y'], 'x.\\000\\255.y'],
  [['*', '_x-1', '@~!'], '*._x-1.@~!'],
])('%j is for whoever judges %s, and comes back as it was', (labels, name) => {
  const asked = Buffer.concat([rawName(...labels), uint16s(TYPES.A, 1)]);
  const { bytes, judged } = answerTo(ask('', 0, { questions: [asked] }));
  expect(judged).toEqual([name]);
  expect(bytes.subarray(12, 12 + asked.length)).toEqual(asked);
});

test('of the flags of a question RD is copied, and none else is in an answer', () => {
  for (const recursion of [0, RECURSION_DESIRED]) {
    const flags = recursion | Z | TRUNCATED | AUTHENTIC_DATA | CHECKING_DISABLED | 0x4_80 | 0xf;
    const { bytes } = answerTo(ask('api.test', TYPES.A, { flags }));
    expect(bytes.readUInt16BE(2)).toBe(0x84_80 | recursion);
  }
});

test.each<[what: string, message: Buffer, expected: object]>([
  ['an OPT record', withOpt(), {}],
  ['DO', withOpt({ flags: DO }), { flag_do: true }],
  ['flags that nobody has defined', withOpt({ flags: 0x7f_ff }), {}],
  [
    'options that we know nothing of, and a cookie',
    withOpt({ data: Buffer.from('000a00080102030405060708fde90001ff', 'hex') }),
    {},
  ],
  ['an option that is cut short', withOpt({ data: Buffer.from('000a0008', 'hex') }), {}],
  ['a size of 0', withOpt({ size: 0 }), {}],
  [
    'a signature behind it (RFC 8945)',
    ask('api.test', 1, { additionals: [opt(), rawRecord(TYPES.TSIG, Buffer.alloc(20), { inClass: 255 })] }),
    {},
  ],
  ['another record before it', ask('api.test', 1, { additionals: [extra, opt()] }), {}],
])('%s is answered with one of ours', (_, message, expected) => {
  const { rcode, answers, additionals } = decodeAnswer(answerTo(message).bytes);
  expect([rcode, answers]).toMatchObject(['NOERROR', [{ data: '10.0.0.9' }]]);
  expect(additionals).toMatchObject([
    {
      name: '.',
      type: 'OPT',
      udpPayloadSize: 1_232,
      extendedRcode: 0,
      ednsVersion: 0,
      options: [],
      flag_do: false,
      ...expected,
    },
  ]);
});

test('records that no question has are looked over, and a signature without EDNS has no OPT record in the answer', () => {
  const signature = rawRecord(TYPES.TSIG, Buffer.alloc(20), { inClass: 255 });
  const message = ask('api.test', TYPES.A, {
    answers: [extra],
    authorities: [extra],
    additionals: [signature],
  });
  const { rcode, answers, additionals } = decodeAnswer(answerTo(message).bytes);
  expect([rcode, answers.length, additionals]).toEqual(['NOERROR', 1, []]);
});

test.each([1, 2, 255])('EDNS of version %i is not spoken (BADVERS, RFC 6891 §6.1.3)', (version) => {
  for (const name of ['api.test', 'api.example']) {
    const { bytes, judged } = answerTo(ask(name, 1, { additionals: [opt({ version, flags: DO })] }));
    expect(decodeAnswer(bytes)).toMatchObject({
      rcode: 'NOERROR', // its lower four bits
      flag_aa: false,
      questions: [{ name }],
      answers: [],
      authorities: [],
      additionals: [{ type: 'OPT', extendedRcode: 1, ednsVersion: 0, flag_do: true }],
    });
    expect(judged).toEqual([]);
  }
});

test('negative answers and refusals have an OPT record too', () => {
  for (const message of [
    ask('api.example', TYPES.A, { additionals: [opt()] }),
    withOpt({}, TYPES.MX),
    withOpt({}, TYPES.AXFR),
  ])
    expect(decodeAnswer(answerTo(message).bytes).additionals).toMatchObject([{ type: 'OPT' }]);
});

const label = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_*'.split('')), minLength: 1, maxLength: 63 });
const anyName = fc
  .oneof(
    fc.constantFrom('api.test', 'API.test', 'TeSt'),
    fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.')),
  )
  .filter((name) => name.length <= 253);
const anyType = fc.constantFrom(
  'A',
  'AAAA',
  'MX',
  'TXT',
  'HTTPS',
  'NS',
  'SRV',
  'CAA',
  'DS',
  'ANY',
) as fc.Arbitrary<dnsPacket.RecordType>;
const anyOpt = fc.record({
  udpPayloadSize: fc.nat(65_535),
  flags: fc.constantFrom(0, dnsPacket.DNSSEC_OK),
  options: fc.array(
    fc.record({
      code: fc.integer({ min: 20, max: 65_535 }),
      data: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    }),
    { maxLength: 3 },
  ),
});

test('every well-formed question is read as dns-packet reads it, and has an answer that dns-packet reads', () => {
  fc.assert(
    fc.property(anyName, anyType, fc.nat(65_535), fc.option(anyOpt), (name, type, id, edns) => {
      const additionals =
        edns === null
          ? []
          : [{ type: 'OPT', name: '.', extendedRcode: 0, ednsVersion: 0, flag_do: false, ...edns } as never];
      const message = dnsPacket.encode({
        type: 'query',
        id,
        flags: RECURSION_DESIRED,
        questions: [{ name, type }],
        additionals,
      });
      const { bytes, judged } = answerTo(message);
      const answer = decodeAnswer(bytes);
      expect(judged).toEqual([name.toLowerCase()]);
      expect(answer.id).toBe(id);
      expect(answer.questions).toEqual(dnsPacket.decode(message).questions);
      const verdict = VERDICTS[name.toLowerCase()];
      expect(answer.rcode).toBe(verdict === undefined ? 'NXDOMAIN' : 'NOERROR');
      const isAnswered = verdict === 'allowed' && ['A', 'AAAA', 'ANY'].includes(type);
      expect([answer.answers.length, answer.authorities.length]).toEqual([
        Number(isAnswered),
        Number(!isAnswered),
      ]);
      expect(answer.additionals.length).toBe(Number(edns !== null));
      expect(bytes.length).toBeLessThanOrEqual(message.length + 59 + 11);
    }),
  );
});

test('whatever comes, an answer is short, bears its ID and is no question', () => {
  const good = [
    ask('api.test', TYPES.A),
    withOpt(),
    ask('api.test', 1, { answers: [extra], additionals: [opt()] }),
  ];
  const mutated = fc
    .tuple(
      fc.constantFrom(...good),
      fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 6 }),
      fc.nat(80),
    )
    .map(([message, changes, length]) => {
      const copy = Buffer.from(message);
      for (const [at, byte] of changes) if (at < copy.length) copy[at] = byte;
      return copy.subarray(0, Math.max(length, 12));
    });
  fc.assert(
    fc.property(
      fc.oneof(
        mutated,
        fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
      ),
      (message) => {
        const { bytes } = answerTo(message);
        const isQuery = message.length >= 12 && (message[2] as number) < 0x80;
        expect(bytes.length > 0).toBe(isQuery);
        expect(bytes.length).toBeLessThanOrEqual(MAX_ANSWER);
        expect(bytes.subarray(0, 2)).toEqual(message.subarray(0, isQuery ? 2 : 0));
        // It answers itself with nothing.
        expect(answerTo(Buffer.from(bytes)).bytes).toHaveLength(0);
      },
    ),
    { numRuns: 2_000 },
  );
});

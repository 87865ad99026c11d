import * as dnsPacket from 'dns-packet';
import type { Answer, DecodedPacket } from 'dns-packet';

import { a, cname, rawMessage, rawQuestion, rawRecord, reply, truncated } from '../helpers/dns.ts';

/** How a question is met: what is sent over UDP, and over TCP without its length; null for silence. */
export interface Met {
  readonly udp: Buffer | null;
  readonly tcp: Buffer | null;
  /** Before it is sent, in ms. */
  readonly after?: number;
  /** Whether another socket than the one that was asked sends it. */
  readonly fromElsewhere?: boolean;
}

type Meet = (query: DecodedPacket, records: readonly Answer[], asked: number) => Met;

/** A response with RA, of the same id. */
const raw = (query: DecodedPacket, rest: Parameters<typeof rawMessage>[0]): Buffer => {
  const [question] = query.questions ?? [];
  const questions = [rawQuestion(question?.name ?? '', { type: question?.type === 'AAAA' ? 28 : 1 })];
  return rawMessage({ id: query.id ?? 0, questions, ...rest });
};
const both = (message: Buffer): Met => ({ udp: message, tcp: message });
const nameOf = (query: DecodedPacket) => query.questions?.[0]?.name ?? '';
const encode = (
  query: DecodedPacket,
  rest: { readonly answers?: readonly Answer[]; readonly rcode?: number },
) => both(dnsPacket.encode(reply(query, { ...rest, answers: [...(rest.answers ?? [])] })));
/** Of nobody. */
const WRONG = '10.83.9.9';
const wrong = [10, 83, 9, 9];
const A = 1;

type Ways = Readonly<Record<string, Meet>>;

/** Ways to tell the truth. */
export const truths: Ways = {
  truth: (query, records) => encode(query, { answers: records }),
  'one address by turns': (query, records, asked) =>
    encode(query, { answers: records.length === 0 ? [] : [records[asked % records.length] as Answer] }),
  'answers after 3 s': (query, records) => ({ ...encode(query, { answers: records }), after: 3_000 }),
  'answers over TCP alone': (query, records) => ({
    udp: truncated(query),
    tcp: encode(query, { answers: records }).tcp,
  }),
  'gives a TTL of 0': (query, records) =>
    encode(query, { answers: records.map((record) => ({ ...record, ttl: 0 })) }),
  'counts more records than it sends': (query, [record]) => {
    if (record?.type !== 'A') return encode(query, {});
    const right = record.data.split('.').map(Number);
    return both(raw(query, { answers: [rawRecord(A, right, { ttl: 5 })], counts: { answers: 9 } }));
  },
  'sends 4,000 addresses': (query, [record]) => {
    if (record?.type !== 'A') return encode(query, {});
    const right = record.data.split('.').map(Number);
    const answers = Array.from({ length: 4_000 }, (_, i) =>
      rawRecord(A, i === 0 ? right : [10, 99, i >> 8, i & 0xff], { ttl: 5 }),
    );
    return { udp: truncated(query), tcp: raw(query, { answers }) };
  },
};

/** Ways to tell nothing. */
export const failures: Ways = {
  'says nothing': () => ({ udp: null, tcp: null }),
  'is cut over UDP, and silent over TCP': (query) => ({ udp: truncated(query), tcp: null }),
  'says SERVFAIL': (query) => encode(query, { rcode: 2 }),
  'says REFUSED': (query) => encode(query, { rcode: 5 }),
  'says NXDOMAIN': (query) => encode(query, { rcode: 3 }),
  'has no records': (query) => encode(query, {}),
};

/** Ways to tell something else. */
export const lies: Ways = {
  'answers with another id': (query) =>
    encode({ ...query, id: (query.id ?? 0) ^ 1 }, { answers: [a(nameOf(query), WRONG, 5)] }),
  'answers another question': (query) =>
    encode(
      { ...query, questions: [{ type: 'A', name: 'other.test' }] },
      { answers: [a('other.test', WRONG, 5)] },
    ),
  'answers for another name': (query) => encode(query, { answers: [a('other.test', WRONG, 5)] }),
  'answers from another port': (query) => ({
    ...encode(query, { answers: [a(nameOf(query), WRONG, 5)] }),
    tcp: null,
    fromElsewhere: true,
  }),
  'sends the question back': (query) => both(dnsPacket.encode({ ...query, type: 'query' })),
  'sends a chain that bites its tail': (query) => {
    const name = nameOf(query);
    return encode(query, { answers: [cname(name, 'x.test', 5), cname('x.test', name, 5)] });
  },
  'leads to loopback': (query) => encode(query, { answers: [a(nameOf(query), '127.0.0.1', 5)] }),
  'leads to the link': (query) => encode(query, { answers: [a(nameOf(query), '169.254.169.254', 5)] }),
};

/** Ways to tell what nobody can read. */
export const malformed: Ways = {
  'sends a record of another class': (query) =>
    both(raw(query, { answers: [rawRecord(A, wrong, { inClass: 3, ttl: 5 })] })),
  'sends an address of three bytes': (query) =>
    both(raw(query, { answers: [rawRecord(A, wrong.slice(1), { ttl: 5 })] })),
  'sends a record cut short': (query) =>
    both(raw(query, { answers: [rawRecord(A, wrong.slice(2), { ttl: 5, length: 4 })] })),
  'sends a name that points at itself': (query) => {
    const length = 12 + rawQuestion(nameOf(query)).length;
    const owner = Buffer.of(0xc0 | (length >> 8), length & 0xff);
    return both(raw(query, { answers: [rawRecord(A, wrong, { owner, ttl: 5 })] }));
  },
  'sends noise': () => both(Buffer.from('this is no message of DNS, however long it may be')),
  'sends nothing but a head': (query) =>
    both(Buffer.of((query.id ?? 0) >> 8, (query.id ?? 0) & 0xff, 0x81, 0x80)),
};

export const answers: Ways = { ...truths, ...failures, ...lies, ...malformed };

import { Resolver } from 'node:dns/promises';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { FLAGS, HEADER_LENGTH, QUESTION_LENGTH, readMessage } from '../../src/dns/wire/message.ts';
import { endOfName } from '../../src/dns/wire/names.ts';
import { rawQuestion, scriptedServer } from '../helpers/dns.ts';

const CORPUS = join(import.meta.dirname, '../corpora/dns-answer');
/** For which of our types c-ares is asked. */
const RECORDS = { A: 'resolve4', AAAA: 'resolve6' } as const;
type Type = keyof typeof RECORDS;

/** The same answers to the question for api.test, without an error, whole over UDP and alone: c-ares reads a message as a whole or not at all. */
function asAnswer(bytes: Buffer, type: Type): Buffer {
  const header = Buffer.concat([bytes.subarray(0, HEADER_LENGTH)], HEADER_LENGTH);
  header.writeUInt16BE(FLAGS.QR | FLAGS.RA, 2);
  header.writeUInt16BE(1, 4);
  header.fill(0, 8);
  const rest = bytes.subarray(endOfName(bytes, HEADER_LENGTH) + QUESTION_LENGTH);
  return Buffer.concat([header, rawQuestion('api.test', { type: type === 'A' ? 1 : 28 }), rest]);
}

/** The addresses that c-ares finds in it; null where it finds none, or fault. */
async function readByCares(answer: Buffer, type: Type): Promise<readonly string[] | null> {
  const server = await scriptedServer(({ id = 0 }, { over }) => {
    const copy = Buffer.from(answer);
    copy.writeUInt16BE(id);
    return over === 'udp' ? [copy] : [];
  });
  const resolver = new Resolver({ timeout: 300, tries: 1 });
  resolver.setServers([`${server.address}:${server.port}`]);
  return resolver[RECORDS[type]]('api.test').catch(() => null);
}

/** Those that we find. */
function readByUs(answer: Buffer, type: Type): readonly string[] {
  return (readMessage(answer)?.answers ?? [])
    .filter((record) => record.type === type)
    .map(({ data }) => data);
}

test.each(['A', 'AAAA'] as const)(
  'of the fuzzer’s DNS answers, c-ares reads the same %s records, or none',
  async (type) => {
    const files = readdirSync(CORPUS, { recursive: true, encoding: 'utf8' }).map((name) =>
      join(CORPUS, name),
    );
    const inputs = files.filter((file) => statSync(file).isFile()).map((file) => readFileSync(file));
    const answers = inputs.map((bytes) => asAnswer(bytes, type));
    const read = await Promise.all(answers.map((answer) => readByCares(answer, type)));
    const isRead = (_: unknown, i: number) => read[i] !== null;
    expect(answers.map((answer) => readByUs(answer, type)).filter(isRead)).toEqual(read.filter(isRead));
    expect(read.filter(isRead).length).toBeGreaterThan(0);
  },
);

import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import * as dnsPacket from 'dns-packet';
import type { RecordType } from 'dns-packet';

import type { Journal } from '../judge/journal.ts';
import type { Random } from '../random.ts';
import { attempt, type Load, withSocket } from './attempt.ts';
import { WrongError } from './wrong-error.ts';

const PATIENCE = 20_000; // ms
const NXDOMAIN = 3;
const RCODE = 0x0f;

/** A question to the door's own nameserver, and what it has to answer: an address, no data, or that there is no such name. */
export interface Question {
  readonly name: string;
  readonly type: RecordType;
  readonly answer: 'address' | 'no data' | 'no name';
}

/** Questions to a door at its address, over UDP and, one in five, over TCP. */
export function dnsLoad(
  { name, door, clients, address }: Omit<Load, 'run'> & { readonly address: string },
  questions: readonly Question[],
): Load {
  const run = async (random: Random, journal: Journal) => {
    const question = random.pick(questions);
    const id = random.whole(0, 65_535);
    const isOverTcp = random.chance(0.2);
    await attempt(journal, { load: name, door }, async () => {
      const query = dnsPacket.encode({
        type: 'query',
        id,
        flags: dnsPacket.RECURSION_DESIRED,
        questions: [{ name: question.name, type: question.type }],
      });
      const bytes = isOverTcp ? await askTcp(query, address) : await askUdp(query, address);
      judge(bytes, { id, question, address });
      return { bytes: query.length + bytes.length, answeredAt: performance.now(), hasLeft: false };
    });
  };
  return { name, door, clients, run };
}

async function askUdp(query: Buffer, address: string): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    socket.connect(53, address);
    await once(socket, 'connect');
    socket.send(query);
    const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(PATIENCE) })) as [Buffer];
    return answer;
  } finally {
    socket.close();
  }
}

/** RFC 1035 §4.2.2: two bytes of length before each message. */
async function askTcp(query: Buffer, address: string): Promise<Buffer> {
  return withSocket({ host: address, port: 53 }, async (socket) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.end(Buffer.concat([length, query]));
    let answer = Buffer.alloc(0);
    for await (const bytes of socket as AsyncIterable<Buffer>) answer = Buffer.concat([answer, bytes]);
    if (answer.length < 2 || answer.length !== 2 + answer.readUInt16BE())
      throw new WrongError(`the answer over TCP is cut to ${answer.length} bytes`);
    return answer.subarray(2);
  });
}

function judge(
  bytes: Buffer,
  { id, question, address }: { readonly id: number; readonly question: Question; readonly address: string },
): void {
  const answer = dnsPacket.decode(bytes);
  const [record] = answer.answers ?? [];
  const rcode = bytes.readUInt16BE(2) & RCODE;
  const isNamed = answer.questions?.[0]?.name === question.name && answer.id === id;
  const isRight = {
    address: rcode === 0 && record?.type === 'A' && record.data === address,
    'no data': rcode === 0 && record === undefined,
    'no name': rcode === NXDOMAIN && record === undefined,
  }[question.answer];
  if (!isNamed || !isRight)
    throw new WrongError(
      `asked for ${question.type} of ${question.name}: code ${rcode}, ${JSON.stringify(record)}`,
    );
}

import { randomInt } from 'node:crypto';

import * as dnsPacket from 'dns-packet';
import type { DecodedPacket, OptAnswer, Packet } from 'dns-packet';

import { isSameName } from './names.ts';

export interface Question {
  readonly name: string;
  readonly type: 'A' | 'AAAA';
}

/** One question on its way to one nameserver. */
export interface Query extends Packet {
  readonly id: number;
  readonly questions: [Question];
}

const ID_RANGE = 2 ** 16;
/** What a UDP answer may take, in bytes: it passes every path unfragmented (DNS Flag Day 2020). */
const UDP_PAYLOAD_SIZE = 1_232;

const OPT: OptAnswer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: UDP_PAYLOAD_SIZE,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

/**
 * A recursive question with a random id, and letters in random case (0x20), which an answer has to echo: what a forger off the path has to
 * guess (RFC 5452). `edns` announces how large a UDP answer may be (RFC 6891).
 */
export function makeQuery({ name, type }: Question, { edns }: { readonly edns: boolean }): Query {
  return {
    type: 'query',
    id: randomInt(ID_RANGE),
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name: mixCase(name), type }],
    additionals: edns ? [OPT] : [],
  };
}

/** How well a packet answers a query: `exact`, in another case than was asked (`case`), or not at all. */
export function matchAnswer(
  { id, questions: [asked] }: Query,
  packet: DecodedPacket,
): 'exact' | 'case' | 'none' {
  const [echoed] = packet.questions ?? [];
  const isAnswer =
    packet.flag_qr &&
    packet.id === id &&
    packet.questions?.length === 1 &&
    echoed?.type === asked.type &&
    (echoed.class ?? 'IN') === 'IN' &&
    isSameName(echoed.name, asked.name);
  if (!isAnswer) return 'none';
  return echoed.name === asked.name.replace(/\.$/, '') ? 'exact' : 'case';
}

/** Null for what does not decode. */
export function decodePacket(bytes: Buffer): DecodedPacket | null {
  try {
    return dnsPacket.decode(bytes);
  } catch {
    return null;
  }
}

function mixCase(name: string): string {
  return name.replaceAll(/[a-z]/gi, (letter) =>
    randomInt(2) === 0 ? letter.toLowerCase() : letter.toUpperCase(),
  );
}

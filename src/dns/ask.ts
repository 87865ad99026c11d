import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { on, once } from 'node:events';
import { connect, isIPv6 } from 'node:net';

import * as dnsPacket from 'dns-packet';
import type { DecodedPacket, Packet } from 'dns-packet';

import { isSameName } from './names.ts';

/** Where a nameserver is asked. */
export interface Nameserver {
  readonly address: string;
  readonly port: number;
}

export interface Question {
  readonly name: string;
  readonly type: 'A' | 'AAAA';
}

interface Query extends Packet {
  readonly id: number;
  readonly questions: [Question];
}

const MAX_ID = 0xffff;

/**
 * Asks one nameserver one question, over UDP and, when the answer is truncated, over TCP (RFC 1035 §4.2, RFC 7766). The answer counts
 * only from the address asked, with the id and the question that were sent (RFC 5452): each question goes out with a fresh random id
 * from a fresh socket, whose port the kernel picks at random. Resolves with the packet whatever its RCODE; rejects with the socket's error
 * or the signal's reason.
 */
export async function ask(
  server: Nameserver,
  question: Question,
  signal: AbortSignal,
): Promise<DecodedPacket> {
  const query: Query = {
    type: 'query',
    id: randomInt(MAX_ID + 1),
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [question],
  };
  const answer = await askOverUdp(server, query, signal);
  return answer.flag_tc ? askOverTcp(server, query, signal) : answer;
}

async function askOverUdp(server: Nameserver, query: Query, signal: AbortSignal): Promise<DecodedPacket> {
  // Connected: the kernel then drops what comes from anyone else, and reports a refusal (ICMP) as an error.
  await using socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
  socket.connect(server.port, server.address);
  await once(socket, 'connect', { signal });

  const datagrams = on(socket, 'message', { signal }) as AsyncIterable<[Buffer]>;
  socket.send(dnsPacket.encode(query));
  for await (const [datagram] of datagrams) {
    const packet = decode(() => dnsPacket.decode(datagram));
    if (packet !== null && isAnswerTo(query, packet)) return packet;
  }
  throw new Error('the socket was closed');
}

async function askOverTcp(server: Nameserver, query: Query, signal: AbortSignal): Promise<DecodedPacket> {
  const socket = connect({ host: server.address, port: server.port, signal });
  socket.end(dnsPacket.streamEncode(query));

  let received = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk]);
    const packet = decode(() => dnsPacket.streamDecode(received) as DecodedPacket | null);
    if (packet !== null && isAnswerTo(query, packet)) return packet;
  }
  throw new Error('the server closed the connection without an answer');
}

function isAnswerTo({ id, questions: [asked] }: Query, packet: DecodedPacket): boolean {
  const [echoed] = packet.questions ?? [];
  return (
    packet.flag_qr &&
    packet.id === id &&
    packet.questions?.length === 1 &&
    echoed?.type === asked.type &&
    (echoed.class ?? 'IN') === 'IN' &&
    isSameName(echoed.name, asked.name)
  );
}

/** Null for what does not decode: garbage is no answer, and no reason to stop waiting for one. */
function decode(decodePacket: () => DecodedPacket | null): DecodedPacket | null {
  try {
    return decodePacket();
  } catch {
    return null;
  }
}

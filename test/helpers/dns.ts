import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

import * as dnsPacket from 'dns-packet';
import type { Answer, DecodedPacket } from 'dns-packet';
import { onTestFinished } from 'vitest';

import { openNameserver } from '../../src/dns/nameserver.ts';
import type { NameserverAddress } from '../../src/lib/nameserver-address.ts';

/** What a scripted server says to a query: datagrams over UDP, or chunks over TCP; nothing for silence. */
export type Script = (
  query: DecodedPacket,
  from: { readonly port: number; readonly over: 'udp' | 'tcp' },
) => readonly Buffer[];

/** A nameserver on loopback that answers UDP and TCP by a script; closed with the test. */
export async function scriptedServer(
  script: Script,
): Promise<{ readonly address: string; readonly port: number; readonly queries: DecodedPacket[] }> {
  const queries: DecodedPacket[] = [];
  const tcp = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const query = dnsPacket.streamDecode(bytes as Buffer) as DecodedPacket;
      queries.push(query);
      for (const chunk of script(query, { port: socket.remotePort ?? 0, over: 'tcp' })) socket.write(chunk);
    });
  });
  const udp = await bindAlike(tcp);
  const { port } = udp.address();
  udp.on('message', (datagram, from) => {
    const query = dnsPacket.decode(datagram);
    queries.push(query);
    for (const answer of script(query, { port: from.port, over: 'udp' }))
      udp.send(answer, from.port, from.address);
  });
  onTestFinished(() => {
    udp.close();
    tcp.close();
  });
  return { address: '127.0.0.1', port, queries };
}

/** How many questions these are: a query that is sent again bears the same ID. */
export function countQuestions(queries: readonly DecodedPacket[]): number {
  return new Set(queries.map(({ id }) => id)).size;
}

/** Listens on a free port, and binds the same of UDP: another, where that is taken. */
async function bindAlike(tcp: Server): Promise<Socket> {
  for (;;) {
    const udp = createSocket('udp4');
    await once(tcp.listen(0, '127.0.0.1'), 'listening');
    try {
      udp.bind((tcp.address() as AddressInfo).port, '127.0.0.1');
      await once(udp, 'listening');
      return udp;
    } catch {
      udp.close();
      await new Promise((closed) => void tcp.close(closed));
    }
  }
}

/** A script from a zone: the records by name and type, NXDOMAIN for other names. */
export function zone(records: readonly Answer[]): Script {
  return (query, { over }) => {
    const [question] = query.questions ?? [];
    const isAsked = (name: string) => name.toLowerCase() === question?.name.toLowerCase();
    const answers = records.filter(
      ({ name, type }) => isAsked(name) && (type === question?.type || type === 'CNAME'),
    );
    const known = records.some(({ name }) => isAsked(name));
    return [
      (over === 'tcp' ? dnsPacket.streamEncode : dnsPacket.encode)(
        reply(query, { answers, rcode: known ? 0 : 3 }),
      ),
    ];
  };
}

/** The packet that answers a query as a recursive server would. */
export function reply(
  query: DecodedPacket,
  {
    answers = [],
    rcode = 0,
    ...rest
  }: { readonly answers?: readonly Answer[]; readonly rcode?: number } & dnsPacket.Packet,
): dnsPacket.Packet {
  return {
    type: 'response',
    id: query.id ?? 0,
    flags: dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE | rcode,
    questions: query.questions ?? [],
    answers: [...answers],
    ...rest,
  };
}

/** The datagram that sends whoever asks to TCP (RFC 1035 §4.1.1, TC). */
export function truncated(query: DecodedPacket): Buffer {
  const flags = dnsPacket.RECURSION_AVAILABLE | dnsPacket.TRUNCATED_RESPONSE;
  return dnsPacket.encode(reply(query, { flags }));
}

export function a(name: string, data: string, ttl = 60): Answer {
  return { type: 'A', name, data, ttl };
}

export function aaaa(name: string, data: string, ttl = 60): Answer {
  return { type: 'AAAA', name, data, ttl };
}

export function cname(name: string, data: string, ttl = 60): Answer {
  return { type: 'CNAME', name, data, ttl };
}

/** A message cut by hand (RFC 1035 §4.1): its sections are taken as they are, and counted unless told otherwise. */
export function rawMessage({
  id = 0,
  flags = RESPONSE | dnsPacket.RECURSION_AVAILABLE,
  questions = [rawQuestion('api.test')],
  answers = [],
  authorities = [],
  additionals = [],
  counts = {},
}: {
  readonly id?: number;
  readonly flags?: number;
  readonly questions?: readonly Buffer[];
  readonly answers?: readonly Buffer[];
  readonly authorities?: readonly Buffer[];
  readonly additionals?: readonly Buffer[];
  readonly counts?: { readonly questions?: number; readonly answers?: number; readonly authorities?: number };
}): Buffer {
  const sections = { questions, answers, authorities, additionals };
  const counted = Object.entries(sections).map(
    ([name, { length }]) => counts[name as keyof typeof counts] ?? length,
  );
  return Buffer.concat([uint16s(id, flags, ...counted), ...Object.values(sections).flat()]);
}

/** QR (RFC 1035 §4.1.1). */
export const RESPONSE = 0x8000;
/** A pointer to the name of the question (RFC 1035 §4.1.4). */
export const QUESTION_NAME = Buffer.of(0xc0, 12);

/** A question cut by hand. */
export function rawQuestion(name: string, { type = 1, inClass = 1 } = {}): Buffer {
  return Buffer.concat([rawName(...name.split('.')), uint16s(type, inClass)]);
}

/** A record cut by hand; of the name in the question, of class IN and with its data's length unless told otherwise. */
export function rawRecord(
  type: number,
  data: readonly number[] | Buffer,
  {
    owner = QUESTION_NAME,
    inClass = 1,
    ttl = 60,
    length = data.length,
  }: {
    readonly owner?: Buffer;
    readonly inClass?: number;
    readonly ttl?: number;
    readonly length?: number;
  } = {},
): Buffer {
  return Buffer.concat([owner, uint16s(type, inClass, ttl >>> 16, ttl & 0xffff, length), Buffer.from(data)]);
}

/** Labels, whatever is in them, and the root. */
export function rawName(...labels: readonly string[]): Buffer {
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')])),
    Buffer.of(0),
  ]);
}

function uint16s(...numbers: readonly number[]): Buffer {
  return Buffer.from(numbers.flatMap((number) => [number >> 8, number & 0xff]));
}

/** A nameserver on loopback that is asked by one of the plain protocols. */
export function plainNameserver(
  { address, port }: { readonly address: string; readonly port: number },
  protocol: 'udp' | 'tcp' = 'udp',
) {
  const server: NameserverAddress = { text: `${address}:${port}`, protocol, address, port };
  return openNameserver(server);
}

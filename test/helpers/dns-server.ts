import { once } from 'node:events';

import * as dnsPacket from 'dns-packet';
import { onTestFinished } from 'vitest';

import { PROBE_SOURCE } from '../../src/control/protocol.ts';
import type { Verdict } from '../../src/dns-server/answer.ts';
import { type DnsServer, listenDns } from '../../src/dns-server/listen.ts';
import { Counters } from '../../src/relay/counters.ts';
import { OVER_STREAMS, testLog, udpSockets } from './relay.ts';
import { closedPort, tcpClient, udpSocket } from './sockets.ts';

type Options = Parameters<typeof listenDns>[0];

/** Names by what the door makes of them; all others are unknown. */
export function namesOf(verdicts: Readonly<Record<string, Verdict>>) {
  const asked: string[] = [];
  return {
    /** What was asked for, in order. */
    asked,
    judge(name: string): Verdict {
      asked.push(name);
      return verdicts[name] ?? 'unknown';
    },
    isThere: (name: string) => Object.hasOwn(verdicts, name),
  };
}

/** The door's own nameserver on all addresses, which allows api.test; closed with the test. */
export async function dnsServer(options: Partial<Options> = {}): Promise<DnsServer> {
  const server = await listenDns({
    port: await closedPort(), // 0 could be another's over UDP
    bind: null,
    sharesPort: false,
    allowFrom: null,
    names: namesOf({ 'api.test': 'allowed', test: 'above', '': 'above' }),
    answers: null,
    sockets: await udpSockets(),
    bare: !OVER_STREAMS,
    probeSource: PROBE_SOURCE,
    counters: new Counters(),
    log: testLog(),
    ...options,
  });
  onTestFinished(() => server.close());
  return server;
}

/** What is read of an answer; dns-packet's types leave the code out. */
interface DecodedAnswer extends dnsPacket.DecodedPacket {
  readonly rcode: string;
  readonly questions: dnsPacket.Question[];
  readonly answers: dnsPacket.Answer[];
  readonly authorities: dnsPacket.Answer[];
  readonly additionals: dnsPacket.Answer[];
}

export function decodeAnswer(bytes: Buffer): DecodedAnswer {
  return dnsPacket.decode(bytes) as DecodedAnswer;
}

/** A question as a stub resolver asks it. */
export function query(name: string, type: dnsPacket.RecordType, id = 1): Buffer {
  return dnsPacket.encode({
    type: 'query',
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name, type }],
  });
}

/** Asks over UDP, connected, so that it hears no other address; resolves with the answer. */
export async function askUdp(
  question: Buffer,
  {
    port,
    host = '127.0.0.1',
    source,
  }: { readonly port: number; readonly host?: string; readonly source?: string },
): Promise<DecodedAnswer> {
  const socket = await udpSocket(host.includes(':') ? 'udp6' : 'udp4', source);
  socket.connect(port, host);
  await once(socket, 'connect');
  socket.send(question);
  const [answer] = (await once(socket, 'message')) as [Buffer];
  return decodeAnswer(answer);
}

/** What a message over TCP has in front of it (RFC 1035 §4.2.2), and the message. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Asks over TCP, on a connection of its own that is half-closed then; resolves with the answer. */
export async function askTcp(
  question: Buffer,
  { port, host = '127.0.0.1' }: { readonly port: number; readonly host?: string },
): Promise<DecodedAnswer> {
  const client = await dnsClient(port, { host });
  client.socket.end(framed(question));
  const [answer] = await client.next(1);
  return answer as DecodedAnswer;
}

/** A connection to a nameserver, and the answers on it. */
export async function dnsClient(port: number, options: Parameters<typeof tcpClient>[1] = {}) {
  const socket = await tcpClient(port, options);
  const answers: DecodedAnswer[] = [];
  let bytes = Buffer.alloc(0);
  let wake = () => {};
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE()) {
      const end = 2 + bytes.readUInt16BE();
      answers.push(decodeAnswer(bytes.subarray(2, end)));
      bytes = bytes.subarray(end);
    }
    wake();
  });
  socket.once('close', () => wake());
  const closed = new Promise<string | null>((resolve) => {
    socket.once('close', () => {
      const error: NodeJS.ErrnoException | null = socket.errored;
      resolve(error?.code ?? null);
    });
    socket.once('end', () => socket.end());
  });
  return {
    socket,
    /** Resolves with the next so many, or rejects when it ends before. */
    next: async (count: number): Promise<readonly DecodedAnswer[]> => {
      while (answers.length < count) {
        if (socket.closed) throw new Error(`it ended after ${answers.length} answers`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
      return answers.splice(0, count);
    },
    /** Those that nobody has taken. */
    answers,
    /** Resolves with the code of the error that it ended with, null for a FIN, which is answered with one. */
    closed,
  };
}

import { lookup } from 'node:dns/promises';

import type { Answer, DecodedPacket } from 'dns-packet';

import { abortable } from '../abortable.ts';
import { makeQuery, matchAnswer, type Query, type Question } from './query.ts';
import { exchangeOverTcp } from './transport/stream.ts';
import { exchangeOverUdp } from './transport/udp.ts';

/** Where and how a nameserver is asked; `text` is how it was written, for messages. */
export type NameserverAddress = { readonly text: string } & (
  | { readonly protocol: 'system' }
  | { readonly protocol: 'udp' | 'tcp'; readonly address: string; readonly port: number }
  | {
      readonly protocol: 'tls';
      readonly address: string;
      readonly port: number;
      readonly name: string | null;
    }
  | {
      readonly protocol: 'https';
      readonly address: string;
      readonly port: number;
      readonly path: string;
      readonly name: string | null;
    }
);

/** What a nameserver says to a question: whether the name exists at all, and its records. */
export interface Reply {
  readonly exists: boolean;
  readonly answers: readonly Answer[];
}

export interface Nameserver {
  readonly text: string;
  /** Rejects when there is no usable reply (a failure code, an error on the way), or when the signal aborts. */
  readonly ask: (question: Question, signal: AbortSignal) => Promise<Reply>;
}

/** getaddrinfo(3) tells no TTL; what it says may come from /etc/hosts or a resolver on this machine, which keep no time either. In s. */
const SYSTEM_TTL = 30;

/** A nameserver, with what is learnt about its faults: whether it garbles the case of names, or chokes on EDNS. */
export function openNameserver(server: NameserverAddress): Nameserver {
  if (server.protocol === 'system') return { text: server.text, ask: askSystem };

  const remote = server;
  let keepsCase = true;
  let knowsEdns = true;

  /** TLS and HTTPS are loaded where they are used: they would be half of the memory that a relay takes at rest. */
  async function exchange(query: Query, signal: AbortSignal): Promise<DecodedPacket> {
    switch (remote.protocol) {
      case 'tcp':
        return exchangeOverTcp(remote, query, signal);
      case 'tls': {
        const { exchangeOverTls } = await import('./transport/tls.ts');
        return exchangeOverTls(remote, query, signal);
      }
      case 'https': {
        const { exchangeOverHttps } = await import('./transport/https.ts');
        return exchangeOverHttps(remote, query, signal);
      }
      case 'udp':
        return exchangeOverEither(remote, query, signal);
    }
  }

  /**
   * UDP first; TCP when the answer is truncated, or in another case than was asked: then it may be forged, but not if TCP, which
   * nobody off the path can speak for the server, shows that the server itself does that.
   */
  async function exchangeOverEither(
    address: { readonly address: string; readonly port: number },
    query: Query,
    signal: AbortSignal,
  ): Promise<DecodedPacket> {
    const packet = await exchangeOverUdp(address, query, signal);
    const isTrusted = !keepsCase || matchAnswer(query, packet) === 'exact';
    if (isTrusted && !packet.flag_tc) return packet;
    const overTcp = await exchangeOverTcp(address, query, signal);
    if (matchAnswer(query, overTcp) === 'case') keepsCase = false;
    return overTcp;
  }

  return {
    text: server.text,
    async ask(question, signal) {
      let packet = await exchange(makeQuery(question, { edns: knowsEdns }), signal);
      if (knowsEdns && rcodeOf(packet) === 'FORMERR') {
        packet = await exchange(makeQuery(question, { edns: false }), signal);
        knowsEdns = false;
      }
      const rcode = rcodeOf(packet);
      if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') throw new Error(`it answered ${rcode}`);
      return { exists: rcode === 'NOERROR', answers: packet.answers ?? [] };
    },
  };
}

/** The container's own resolver. It does not tell a name that does not exist from one without such records. */
async function askSystem({ name, type }: Question, signal: AbortSignal): Promise<Reply> {
  try {
    const found = await abortable(lookup(name, { all: true, family: type === 'A' ? 4 : 6 }), signal);
    return {
      exists: true,
      answers: found.map(({ address }) => ({ type, name, ttl: SYSTEM_TTL, data: address })),
    };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOTFOUND') return { exists: true, answers: [] };
    throw cause;
  }
}

/** The rcode is in a decoded packet, though not in its type. */
function rcodeOf(packet: DecodedPacket): string {
  return (packet as DecodedPacket & { readonly rcode: string }).rcode;
}

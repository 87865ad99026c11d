import { withDeadline } from '../lib/deadline.ts';
import type { NameserverAddress } from '../lib/nameserver-address.ts';
import { exchangeOverTcp } from './transport/stream.ts';
import { exchangeOverUdp } from './transport/udp.ts';
import type { Message, Query, ResourceRecord } from './wire/message.ts';
import { makeQuery, matchAnswer, type Question } from './wire/query.ts';

type RemoteAddress = Exclude<NameserverAddress, { readonly protocol: 'system' }>;

/** What a nameserver says to a question: whether the name exists at all, and its records. */
export interface Reply {
  readonly exists: boolean;
  readonly answers: readonly ResourceRecord[];
}

export interface Nameserver {
  readonly text: string;
  /** Rejects when there is no usable reply (a failure code, no word about the name, an error on the way), or when the signal aborts. */
  readonly ask: (question: Question, signal: AbortSignal) => Promise<Reply>;
}

/** How long TCP may take to tell whether the server itself changes the case of names, in ms. */
const PROOF_TIMEOUT = 1_000;
/** What servers answer that do not know EDNS (RFC 6891 §7; NOTIMP by old ones). */
const EDNS_REFUSALS = new Set(['FORMERR', 'NOTIMP']);
/** What servers answer to which a name in capitals is another one. */
const CAPITALS_REFUSALS = new Set(['NXDOMAIN', 'REFUSED']);

/**
 * A nameserver, with what is learnt about its faults: whether it chokes on EDNS, or on capitals.
 *
 * Letters of random case (0x20) are for UDP alone: over TCP, TLS and HTTPS nobody off the path can answer. An
 * answer in another case is not believed, but asked for again over TCP. If that one differs too, or there is
 * no TCP (tried for 1 s), the server is asked without capitals from then on; so it is if it answers NXDOMAIN
 * or REFUSED to capitals and finds the name without them. Each of these two is asked for again.
 */
export function openNameserver(remote: RemoteAddress): Nameserver {
  return new RemoteNameserver(remote);
}

class RemoteNameserver implements Nameserver {
  readonly text: string;
  readonly #remote: RemoteAddress;
  #knowsEdns = true;
  /** Over a connection, nobody off the path can speak for the server anyway. */
  #mixesCase: boolean;

  constructor(remote: RemoteAddress) {
    this.text = remote.text;
    this.#remote = remote;
    this.#mixesCase = remote.protocol === 'udp';
  }

  async ask(question: Question, signal: AbortSignal): Promise<Reply> {
    const { rcode, answers, isLame } = await this.#askInMixedCase(question, signal);
    if (rcode === 'NXDOMAIN') return { exists: false, answers };
    if (rcode !== 'NOERROR') throw new Error(`it answered ${rcode}`);
    if (isLame) throw new Error('it neither knows the name nor asks others (a lame answer)');
    return { exists: true, answers };
  }

  async #askInMixedCase(question: Question, signal: AbortSignal): Promise<Message> {
    if (!this.#mixesCase) return this.#askWithEdns(question, { mixCase: false }, signal);
    const answer = await this.#askWithEdns(question, { mixCase: true }, signal);
    if (!CAPITALS_REFUSALS.has(answer.rcode)) return answer;
    const plain = await this.#askWithEdns(question, { mixCase: false }, signal).catch(() => answer);
    if (plain.rcode === 'NOERROR') this.#mixesCase = false;
    return plain;
  }

  async #askWithEdns(
    question: Question,
    { mixCase }: { readonly mixCase: boolean },
    signal: AbortSignal,
  ): Promise<Message> {
    const edns = this.#knowsEdns;
    const answer = await this.#exchange(makeQuery(question, { edns, mixCase }), signal);
    if (!edns || !EDNS_REFUSALS.has(answer.rcode)) return answer;
    const plain = await this.#exchange(makeQuery(question, { edns: false, mixCase }), signal);
    if (!EDNS_REFUSALS.has(plain.rcode)) this.#knowsEdns = false;
    return plain;
  }

  /** TLS and HTTPS are loaded where they are used: they would be half of the memory that a relay takes at rest. */
  async #exchange(query: Query, signal: AbortSignal): Promise<Message> {
    const remote = this.#remote;
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
        return this.#exchangeOverEither(remote, query, signal);
    }
  }

  /** UDP first; TCP when the answer is truncated, or not in the case that was asked. */
  async #exchangeOverEither(
    address: { readonly address: string; readonly port: number },
    query: Query,
    signal: AbortSignal,
  ): Promise<Message> {
    const answer = await exchangeOverUdp(address, query, signal);
    if (!this.#mixesCase || matchAnswer(query, answer) === 'exact')
      return answer.isTruncated ? exchangeOverTcp(address, query, signal) : answer;

    // It may be forged, but not if TCP shows that the server itself does that. One that has no TCP is asked for nothing that it could change.
    const overTcp = await withDeadline({ timeout: PROOF_TIMEOUT, signal }, (either) =>
      exchangeOverTcp(address, query, either),
    ).catch(() => null);
    signal.throwIfAborted();
    if (overTcp === null || matchAnswer(query, overTcp) === 'case') this.#mixesCase = false;
    const { edns } = query;
    return overTcp ?? this.#exchangeOverEither(address, makeQuery(query, { edns, mixCase: false }), signal);
  }
}

import { setTimeout as delay } from 'node:timers/promises';

import { describeFailure, withDeadline } from '../lib/deadline.ts';
import { listSome } from '../lib/list-some.ts';
import { messageOf } from '../lib/message-of.ts';
import { race } from '../lib/race.ts';
import { RecentFailures } from '../lib/recent-failures.ts';
import { isFinal, ResolveError } from '../lib/resolve-error.ts';
import { limitAddresses, type Limited } from './limit-addresses.ts';
import type { Nameserver, Reply } from './nameserver.ts';
import type { ResourceRecord } from './wire/message.ts';
import { isSameName } from './wire/names.ts';
import type { Question } from './wire/query.ts';

/** One address of a name, and how long it may be used, in s. */
export interface AddressRecord {
  readonly address: string;
  readonly family: 4 | 6;
  readonly ttl: number;
}

/** A name's addresses, 32 at most, and the families of which it could not be told whether there are any. */
export interface Answer extends Limited<AddressRecord> {
  readonly unknown: readonly AddressRecord['family'][];
}

/**
 * The addresses of a name, of the record types asked for; see limitAddresses for those that are left out. Rejects when no nameserver has an answer, or the
 * answer is that there is no address (isFinal), or with the signal's reason.
 */
export type Resolve = (
  name: string,
  types: readonly Question['type'][],
  signal: AbortSignal,
) => Promise<Answer>;

/** How long a nameserver may be silent before the next is asked too, in ms. */
const HEAD_START = 500;
/** How long a nameserver may take in all, in ms. */
const SERVER_TIMEOUT = 3_000;
/** How long one record type waits for the other, once it has addresses, in ms. */
const TYPE_GRACE = 500;
const MAX_CHAIN = 16;
const TTL_LIMIT = 2 ** 31;

/** How a nameserver's silence is borne, in ms: see the defaults. */
interface Patience {
  readonly headStart?: number;
  readonly timeout?: number;
  /** How long one that failed is asked last: see RecentFailures. */
  readonly penalty?: number;
}

/** Resolves through nameservers in order. One that failed is asked last for a while; NXDOMAIN from one is the last word. */
export function createResolver(nameservers: readonly Nameserver[], patience: Patience = {}): Resolve {
  const servers = new Failover(nameservers, patience);

  return async (name, types, signal) => {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const records: AddressRecord[] = [];
    const unknown = new Set(types);
    const lookups = types.map(async (type) => {
      const found = await resolveType({ name, type }, servers, either);
      unknown.delete(type);
      records.push(...found);
      if (found.length === 0) throw new ResolveError(`${name} has no ${type} record`, { isFinal: true });
    });
    const all = Promise.allSettled(lookups);
    try {
      await Promise.any(lookups);
      await Promise.race([all, delay(TYPE_GRACE, undefined, { signal: either })]);
      return { ...limitAddresses([...records]), unknown: [...unknown].map(familyOf) };
    } catch (cause) {
      signal.throwIfAborted();
      if (!(cause instanceof AggregateError)) throw cause;
      const message = listSome(cause.errors.map(messageOf), '; ');
      throw new ResolveError(message, { isFinal: cause.errors.every(isFinal), cause });
    } finally {
      over.abort();
    }
  };
}

/** Nameservers of which the first that replies has the word. */
class Failover {
  readonly #nameservers: readonly Nameserver[];
  readonly #headStart: number;
  readonly #timeout: number;
  readonly #failures: RecentFailures<Nameserver>;

  constructor(
    nameservers: readonly Nameserver[],
    { headStart = HEAD_START, timeout = SERVER_TIMEOUT, penalty }: Patience,
  ) {
    this.#nameservers = nameservers;
    this.#headStart = headStart;
    this.#timeout = timeout;
    this.#failures = new RecentFailures((server) => server, penalty);
  }

  async ask(question: Question, signal: AbortSignal): Promise<Reply> {
    const inOrder = this.#failures.split(this.#nameservers).flat();
    try {
      return await withDeadline({ timeout: Infinity, signal }, (either) =>
        race(inOrder, (server) => this.#attempt(server, question, either), {
          headStart: () => this.#headStart,
          signal: either,
          onSlow: (server) => this.#failures.add(server),
        }),
      );
    } catch (cause) {
      signal.throwIfAborted();
      throw new Error(`no nameserver answers for ${question.name} ${question.type}: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  async #attempt(server: Nameserver, question: Question, lost: AbortSignal): Promise<Reply> {
    const timeout = this.#timeout;
    try {
      const reply = await withDeadline({ timeout, signal: lost }, (either) => server.ask(question, either));
      this.#failures.delete(server);
      return reply;
    } catch (cause) {
      if (!lost.aborted) this.#failures.add(server);
      throw new Error(`${server.text}: ${describeFailure(cause, timeout)}`, { cause });
    }
  }
}

/** Follows the chain of CNAMEs, asking again where a server stopped short of its end (RFC 1034 §3.6.2). */
async function resolveType(
  question: Question,
  servers: Failover,
  signal: AbortSignal,
): Promise<readonly AddressRecord[]> {
  let { name } = question;
  let ttl = Infinity;
  for (let asked = 0; asked < MAX_CHAIN; asked++) {
    const { exists, answers } = await servers.ask({ ...question, name }, signal);
    const chain = followChain(name, answers);
    ttl = Math.min(ttl, chain.ttl);
    const records = answers.flatMap((answer) => toRecord(answer, { ...question, name: chain.end }));
    if (records.length > 0 || isSameName(chain.end, name)) {
      if (!exists) throw new ResolveError(`${name} does not exist (NXDOMAIN)`, { isFinal: true });
      return records.map((record) => ({ ...record, ttl: Math.min(ttl, record.ttl) }));
    }
    name = chain.end;
  }
  throw new Error(`the CNAME chain of ${question.name} is longer than ${MAX_CHAIN}`);
}

/** Where a chain of CNAMEs ends, and how long all its links hold, in s. */
function followChain(
  name: string,
  answers: readonly ResourceRecord[],
): { readonly end: string; readonly ttl: number } {
  let end = name;
  let ttl = Infinity;
  for (let links = 0; links <= MAX_CHAIN; links++) {
    const link = answers.find((answer) => answer.type === 'CNAME' && isSameName(answer.name, end));
    if (link === undefined) return { end, ttl };
    end = link.data;
    ttl = Math.min(ttl, ttlOf(link));
  }
  throw new Error(`the CNAME chain of ${name} is longer than ${MAX_CHAIN}`);
}

function toRecord(answer: ResourceRecord, { name, type }: Question): readonly AddressRecord[] {
  if (answer.type !== type || !isSameName(answer.name, name)) return [];
  return [{ address: answer.data, family: familyOf(type), ttl: ttlOf(answer) }];
}

/** A TTL with its highest bit set counts as 0 (RFC 2181 §8). */
function ttlOf({ ttl }: { readonly ttl: number }): number {
  return ttl < TTL_LIMIT ? ttl : 0;
}

function familyOf(type: Question['type']): AddressRecord['family'] {
  return type === 'A' ? 4 : 6;
}

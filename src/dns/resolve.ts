import type { Answer, DecodedPacket } from 'dns-packet';

import { ask, type Nameserver, type Question } from './ask.ts';
import { isSameName } from './names.ts';

/** One address of a name, and how long it may be used, in seconds. */
export interface AddressRecord {
  readonly address: string;
  readonly family: 4 | 6;
  readonly ttl: number;
}

interface Options {
  readonly nameservers: readonly Nameserver[];
  readonly signal: AbortSignal;
}

/** How long one server may be silent before the next is asked, in ms. */
const SERVER_TIMEOUT = 2_000;
const MAX_CHAIN = 16;

/**
 * All addresses of a name, A and AAAA, from the first of the nameservers that gives an answer. Rejects when no server does, or when
 * the name has no address.
 */
export async function resolveAddresses(name: string, options: Options): Promise<readonly AddressRecord[]> {
  const lookups = await Promise.allSettled(
    (['A', 'AAAA'] as const).map((type) => resolveType({ name, type }, options)),
  );
  const records = lookups.flatMap((lookup) => (lookup.status === 'fulfilled' ? lookup.value : []));
  if (records.length > 0) return records;

  const failure = lookups.find((lookup) => lookup.status === 'rejected');
  throw failure?.reason ?? new Error(`${name} has no address`);
}

/** Follows the chain of CNAMEs, asking again where a server stopped short of its end (RFC 1034 §3.6.2). */
async function resolveType(question: Question, options: Options): Promise<readonly AddressRecord[]> {
  let { name } = question;
  for (let asked = 0; asked < MAX_CHAIN; asked++) {
    const answers = await askInOrder({ ...question, name }, options);
    const owner = endOfChain(name, answers);
    const records = answers.flatMap((answer) => toRecord(answer, { ...question, name: owner }));
    if (records.length > 0 || isSameName(owner, name)) return records;
    name = owner;
  }
  throw new Error(`the CNAME chain of ${question.name} has no end`);
}

async function askInOrder(question: Question, { nameservers, signal }: Options): Promise<readonly Answer[]> {
  const failures: Error[] = [];
  for (const server of nameservers) {
    try {
      const timeout = AbortSignal.timeout(SERVER_TIMEOUT);
      return readAnswers(await ask(server, question, AbortSignal.any([signal, timeout])), question);
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof NoSuchNameError) throw cause;
      failures.push(new Error(`${server.address}:${server.port}: ${describe(cause)}`, { cause }));
    }
  }
  const reasons = failures.map(({ message }) => message).join('; ');
  throw new AggregateError(
    failures,
    `no nameserver answered for ${question.name} ${question.type}: ${reasons}`,
  );
}

/** The name does not exist (NXDOMAIN): the last word, which no other server is asked to contradict. */
class NoSuchNameError extends Error {}

function readAnswers(packet: DecodedPacket, { name }: Question): readonly Answer[] {
  // rcode is in the decoded packet, though not in its types.
  const { rcode } = packet as DecodedPacket & { readonly rcode: string };
  if (rcode === 'NXDOMAIN') throw new NoSuchNameError(`${name} does not exist (NXDOMAIN)`);
  if (rcode !== 'NOERROR') throw new Error(`answered ${rcode}`);
  return packet.answers ?? [];
}

function endOfChain(name: string, answers: readonly Answer[]): string {
  let owner = name;
  for (let links = 0; links < MAX_CHAIN; links++) {
    const link = answers.find((answer) => answer.type === 'CNAME' && isSameName(answer.name, owner));
    if (link?.type !== 'CNAME') return owner;
    owner = link.data;
  }
  throw new Error(`the CNAME chain of ${name} has no end`);
}

function toRecord(answer: Answer, { name, type }: Question): readonly AddressRecord[] {
  if (answer.type !== 'A' && answer.type !== 'AAAA') return [];
  if (answer.type !== type || !isSameName(answer.name, name)) return [];
  return [{ address: answer.data, family: type === 'A' ? 4 : 6, ttl: answer.ttl ?? 0 }];
}

function describe(cause: unknown): string {
  if (cause instanceof Error && cause.name === 'AbortError') return `silent for ${SERVER_TIMEOUT} ms`;
  return cause instanceof Error ? cause.message : String(cause);
}

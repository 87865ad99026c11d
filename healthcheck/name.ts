import { isIP } from 'node:net';

import type { Config } from '../src/config/config.ts';
import type { Status } from '../src/control/protocol.ts';
import { recordTypes } from '../src/dns/ipv6.ts';
import { resolveThrough } from '../src/dns/resolve-through.ts';
import type { NameStatus } from '../src/dns/sources.ts';
import { listSome } from '../src/lib/list-some.ts';
import { tryConnect } from './try-connect.ts';

/** How much older than its TTL an answer may be before it is doubted, in s. */
const GRACE = 600;
/** How long a name may take to be resolved for the first time, in s: the image's start period. */
const START_PERIOD = 10;
/** Rotating answers show other addresses each time: so many are asked for before they are missed. */
const QUESTIONS = 3;
/** For all these questions, in ms. */
const ASK_TIMEOUT = 5_000;

/**
 * Rejects when the addresses that the relay uses for a listed target are no longer the target's, as far as that can be told. What else clients
 * ask for, below a wildcard, is theirs to know.
 */
export async function checkNames(config: Config, { names, uptime }: Status): Promise<void> {
  const listed = names.filter(({ name }) => config.targets.includes(name) && isIP(name) === 0);
  await Promise.all(
    listed.map(async (name) => {
      if (name.age === null) return checkStart(name, uptime);
      return config.refresh ? checkFreshness(config, name, name.age) : checkStillTrue(config, name);
    }),
  );
}

/** Nothing has ever been relayed there, and nothing will be. */
function checkStart({ name, problem }: NameStatus, uptime: number): void {
  if (uptime <= START_PERIOD) return;
  throw new Error(`${name} has never been resolved since the start: ${problem ?? 'no answer yet'}`);
}

/** The relay keeps the answer fresh: an old one is doubted, but what still connects is well. */
async function checkFreshness(
  config: Config,
  { name, addresses, ttl, problem }: NameStatus,
  age: number,
): Promise<void> {
  if (age <= (ttl ?? 0) + GRACE) return;
  const ports = tcpPortsOf(config, name);
  // Whether a UDP target is there cannot be told from here.
  if (ports.length === 0 || (await doesAnyConnect(ports, addresses))) return;
  const reason = problem === null ? '' : `: ${problem}`;
  throw new Error(`${name} has not been resolved for ${age} s, and no address connects${reason}`);
}

function tcpPortsOf({ rules }: Config, name: string): readonly number[] {
  const own = rules.filter(({ protocol, names }) => protocol === 'tcp' && names.includes(name));
  return own.flatMap(({ ports }) => ports.map(({ target }) => target));
}

async function doesAnyConnect(ports: readonly number[], addresses: readonly string[]): Promise<boolean> {
  const dials = addresses.flatMap((address) => ports.map((port) => tryConnect(address, port)));
  return (await Promise.all(dials)).includes(null);
}

/**
 * The relay keeps its first answer: it is true as long as one address of it is still given, or connects. Silence of the nameservers proves nothing,
 * and answers that all differ are a rotation, which the addresses in use may be part of.
 */
async function checkStillTrue(config: Config, { name, addresses: inUse }: NameStatus): Promise<void> {
  const { nameservers, scope } = config;
  const ports = tcpPortsOf(config, name);
  const resolve = resolveThrough(nameservers);
  const types = recordTypes({ loopback: scope === 'any' });
  const signal = AbortSignal.timeout(ASK_TIMEOUT);
  const given = new Set<string>();
  const answers = new Set<string>();
  for (let asked = 0; asked < QUESTIONS; asked++) {
    const answer = await resolve(name, types, signal).catch(() => null);
    if (answer === null) return;
    const addresses = answer.records.map(({ address }) => address);
    for (const address of addresses) given.add(address);
    answers.add(addresses.toSorted().join());
    if (inUse.some((address) => given.has(address))) return;
  }
  const isRotation = answers.size === QUESTIONS;
  if (ports.length === 0 ? isRotation : await doesAnyConnect(ports, inUse)) return;
  const what = isRotation ? 'rotates, and no address in use connects' : 'has moved';
  throw new Error(
    `${name} ${what}: in use is ${listSome(inUse, ', ')}, given is ${listSome([...given], ', ')}`,
  );
}

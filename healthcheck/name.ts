import { once } from 'node:events';
import { connect, isIP } from 'node:net';

import type { Config } from '../src/config/config.ts';
import type { Status } from '../src/control/protocol.ts';
import { recordTypes } from '../src/dns/ipv6.ts';
import { resolveThrough } from '../src/dns/resolve-through.ts';
import type { NameStatus } from '../src/dns/sources.ts';
import { listSome } from '../src/list-some.ts';

/** How much older than its TTL an answer may be before it is doubted, in s. */
const GRACE = 600;
/** For connecting to the addresses in use, in ms. */
const CONNECT_TIMEOUT = 2_000;
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
    listed.map((name) =>
      config.refresh ? checkFreshness(config, name, uptime) : checkStillTrue(config, name),
    ),
  );
}

/** The relay keeps the answer fresh: an old one is doubted, but what still connects is well. */
async function checkFreshness(
  { mode, ports }: Config,
  { name, addresses, age, ttl, problem }: NameStatus,
  uptime: number,
): Promise<void> {
  const known = age ?? uptime;
  if (known <= (ttl ?? 0) + GRACE) return;
  // Whether a UDP target is there cannot be told from here.
  if (mode === 'udp' && addresses.length > 0) return;

  const dials = addresses.flatMap((address) => ports.map((pair) => tryConnect(address, pair.target)));
  if ((await Promise.all(dials)).includes(true)) return;
  const reason = problem === null ? '' : `: ${problem}`;
  throw new Error(`${name} has not been resolved for ${known} s, and no address connects${reason}`);
}

async function tryConnect(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_TIMEOUT) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** The relay keeps its first answer: it is true as long as one address of it is still given. Silence of the nameservers proves nothing. */
async function checkStillTrue(
  { nameservers, scope }: Config,
  { name, addresses: inUse }: NameStatus,
): Promise<void> {
  if (inUse.length === 0) return;
  const resolve = resolveThrough(nameservers);
  const types = recordTypes({ loopback: scope === 'any' });
  const signal = AbortSignal.timeout(ASK_TIMEOUT);
  const given = new Set<string>();
  for (let asked = 0; asked < QUESTIONS; asked++) {
    const answer = await resolve(name, types, signal).catch(() => null);
    if (answer === null) return;
    for (const { address } of answer.records) given.add(address);
    if (inUse.some((address) => given.has(address))) return;
  }
  throw new Error(
    `${name} has moved: in use is ${listSome(inUse, ', ')}, given is ${listSome([...given], ', ')}`,
  );
}

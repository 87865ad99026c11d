import { once } from 'node:events';
import { connect, isIP } from 'node:net';

import type { Config } from '../src/config/config.ts';
import type { Status } from '../src/control/protocol.ts';
import { recordTypes } from '../src/dns/ipv6.ts';
import { openNameserver } from '../src/dns/nameserver.ts';
import { createResolver } from '../src/dns/resolver.ts';

/** How much older than its TTL an answer may be before it is doubted, in s. */
const GRACE = 600;
/** For connecting to the addresses in use, in ms. */
const CONNECT_TIMEOUT = 2_000;
/** Rotating answers show other addresses each time: so many are asked for before they are missed. */
const QUESTIONS = 3;
/** For all these questions, in ms. */
const ASK_TIMEOUT = 5_000;

/** Rejects when the addresses that the relay uses for its target are no longer the target's, as far as that can be told. */
export async function checkName(config: Config, status: Status): Promise<void> {
  if (isIP(config.target) !== 0) return;
  if (config.refresh) await checkFreshness(config, status);
  else await checkStillTrue(config, status.name.addresses);
}

/** The relay keeps the answer fresh: an old one is doubted, but what still connects is well. */
async function checkFreshness({ target, mode, ports }: Config, { name, uptime }: Status): Promise<void> {
  const age = name.age ?? uptime;
  if (age <= (name.ttl ?? 0) + GRACE) return;
  // Whether a UDP target is there cannot be told from here.
  if (mode === 'udp' && name.addresses.length > 0) return;

  const dials = name.addresses.flatMap((address) => ports.map((pair) => tryConnect(address, pair.target)));
  if ((await Promise.all(dials)).includes(true)) return;
  const problem = name.problem === null ? '' : `: ${name.problem}`;
  throw new Error(`${target} has not been resolved for ${age} s, and no address connects${problem}`);
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
  { target, nameservers, scope }: Config,
  inUse: readonly string[],
): Promise<void> {
  if (inUse.length === 0) return;
  const resolve = createResolver(nameservers.map(openNameserver));
  const types = recordTypes({ loopback: scope === 'any' });
  const signal = AbortSignal.timeout(ASK_TIMEOUT);
  const given = new Set<string>();
  for (let asked = 0; asked < QUESTIONS; asked++) {
    const answer = await resolve(target, types, signal).catch(() => null);
    if (answer === null) return;
    for (const { address } of answer.records) given.add(address);
    if (inUse.some((address) => given.has(address))) return;
  }
  throw new Error(`${target} has moved: in use is ${inUse.join(', ')}, given is ${[...given].join(', ')}`);
}

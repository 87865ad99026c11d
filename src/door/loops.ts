import type { LookupAddress } from 'node:dns';

import type { Config } from '../config/config.ts';
import { protocolOf } from '../config/listeners.ts';
import { PROTOCOLS } from '../config/ports.ts';
import { isWildcard } from '../config/targets.ts';
import { atMost } from '../lib/at-most.ts';
import { withDeadline } from '../lib/deadline.ts';
import type { Protocol } from '../lib/protocol.ts';
import { throttle } from '../lib/throttle.ts';
import type { Log } from '../log/log.ts';
import { createLoopGuard, LoopError, type LoopGuard } from '../relay/loop-guard.ts';

/** The addresses of a name that may be dialled. */
type Lookup = (host: string, signal: AbortSignal) => Promise<readonly LookupAddress[]>;

/** A target that may lead to this relay itself. */
interface Suspect {
  readonly host: string;
  readonly ports: readonly number[];
  readonly guard: LoopGuard;
}

/** How often names are looked up for it, at most, in ms. */
const LOOK_EVERY = 30_000;
/** How many are looked up at a time: a thousand at once would take 150 MB. */
const AT_ONCE = 16;

/** The guard against dialling ourselves on one of the configuration's ports. */
export function loopGuardOf(
  config: Pick<Config, 'listeners' | 'bind' | 'preResolve' | 'nameAddresses'>,
  protocol: Protocol,
): LoopGuard {
  return createLoopGuard(portsOver(protocol, config.listeners), config);
}

function portsOver(protocol: Protocol, listeners: Config['listeners']): ReadonlySet<number> {
  return new Set(listeners.filter(({ kind }) => protocolOf(kind) === protocol).map(({ port }) => port));
}

/**
 * Looks now whether a listed target leads to this relay itself, and logs it. Nobody waits for that, as DNS may be slow; what cannot be resolved within
 * CONNECT_TIMEOUT_MS leads nowhere. The function returned tells what was found last, a sentence each, and looks again behind it.
 */
export function watchLoops(
  current: () => Config,
  {
    lookup,
    log,
    signal,
  }: { readonly lookup: Lookup; readonly log: Pick<Log, 'warn'>; readonly signal: AbortSignal },
): () => readonly string[] {
  let known: readonly string[] = [];

  async function findLoop({ host, ports, guard }: Suspect, timeout: number): Promise<readonly string[]> {
    try {
      const addresses = await withDeadline({ timeout, signal }, (either) => lookup(host, either));
      for (const port of ports) guard({ host, port }, addresses);
    } catch (error) {
      if (error instanceof LoopError) return [`${host}: ${error.message}`];
    }
    return [];
  }

  async function find(): Promise<void> {
    const config = current();
    const limited = atMost(AT_ONCE);
    const found = await Promise.all(
      suspectsIn(config).map((suspect) => limited(() => findLoop(suspect, config.connectTimeout))),
    );
    const loops = [...new Set(found.flat())];
    for (const err of loops.filter((loop) => !known.includes(loop)))
      log.warn({ err }, 'a target leads to this relay itself');
    known = loops;
  }

  let finding: Promise<void> | null = null;
  const look = throttle(LOOK_EVERY, () => {
    finding ??= find().finally(() => (finding = null));
  });
  look();
  return () => {
    look();
    return known;
  };
}

/** The names of each rule, where we listen on a port of theirs ourselves. */
function suspectsIn(config: Config): readonly Suspect[] {
  return PROTOCOLS.flatMap((protocol) => {
    const listening = portsOver(protocol, config.listeners);
    const guard = createLoopGuard(listening, config);
    const rules = config.rules.filter((rule) => rule.protocol === protocol);
    return rules.flatMap(({ names, ports }) => {
      const shared = ports.map(({ target }) => target).filter((port) => listening.has(port));
      if (shared.length === 0) return [];
      return names.filter((name) => !isWildcard(name)).map((host) => ({ host, ports: shared, guard }));
    });
  });
}

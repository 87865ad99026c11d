import type { LookupAddress } from 'node:dns';

import type { Config } from '../config/config.ts';
import { isWildcard } from '../config/targets.ts';
import { withDeadline } from '../lib/deadline.ts';
import { throttle } from '../lib/throttle.ts';
import type { Log } from '../log/log.ts';
import { createLoopGuard, LoopError, type LoopGuard } from '../relay/loop-guard.ts';

/** The addresses of a name that may be dialled. */
type Lookup = (host: string, signal: AbortSignal) => Promise<readonly LookupAddress[]>;

/** How often names are looked up for it, at most, in ms. */
const LOOK_EVERY = 30_000;

/** The guard against dialling ourselves on one of the configuration's ports. */
export function loopGuardOf({
  ports,
  bind,
  preResolve,
}: Pick<Config, 'ports' | 'bind' | 'preResolve'>): LoopGuard {
  return createLoopGuard(new Set(ports.map(({ listen }) => listen)), { bind, preResolve });
}

/**
 * Looks now whether a listed target leads to this relay itself, and logs it. Nobody waits for that, as DNS may be slow; what cannot be resolved
 * within CONNECT_TIMEOUT_MS leads nowhere. The function returned tells what was found last, a sentence each, and looks again behind it.
 */
export function watchLoops(
  config: Config,
  {
    lookup,
    log,
    signal,
  }: { readonly lookup: Lookup; readonly log: Pick<Log, 'warn'>; readonly signal: AbortSignal },
): () => readonly string[] {
  const guard = loopGuardOf(config);
  const listening = new Set(config.ports.map(({ listen }) => listen));
  const ports = config.ports.map(({ target }) => target).filter((port) => listening.has(port));
  const targets = ports.length === 0 ? [] : config.targets.filter((target) => !isWildcard(target));
  let known: readonly string[] = [];

  async function findLoop(host: string): Promise<readonly string[]> {
    try {
      const addresses = await withDeadline({ timeout: config.connectTimeout, signal }, (either) =>
        lookup(host, either),
      );
      for (const port of ports) guard({ host, port }, addresses);
    } catch (error) {
      if (error instanceof LoopError) return [`${host}: ${error.message}`];
    }
    return [];
  }

  async function find(): Promise<void> {
    const loops = (await Promise.all(targets.map(findLoop))).flat();
    for (const err of loops.filter((loop) => !known.includes(loop)))
      log.warn({ err }, 'a target leads to this relay itself');
    known = loops;
  }

  const look = throttle(LOOK_EVERY, () => void find());
  look();
  return () => {
    look();
    return known;
  };
}

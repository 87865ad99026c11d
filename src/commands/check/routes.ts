import type { Socket } from 'node:net';
import { Readable } from 'node:stream';

import type { Config } from '../../config/config.ts';
import { protocolOf } from '../../config/listeners.ts';
import { areNeighbours, describeRun, type Route, routesOf } from '../../config/routes.ts';
import { isWildcard } from '../../config/targets.ts';
import { loopGuardOf } from '../../door/loops.ts';
import { messageOf } from '../../lib/message-of.ts';
import { toRuns, withoutPort } from '../../lib/runs.ts';
import { DialOrder } from '../../relay/dial-order.ts';
import { LoopError } from '../../relay/loop-guard.ts';
import { DialError, type Destination } from '../../relay/target.ts';
import { connectStream } from '../../relay/tcp/connect.ts';
import { dialTcp } from '../../relay/tcp/dial.ts';
import type { Found } from './names.ts';
import type { Problem } from './problem.ts';

interface DialledRoute extends Route {
  readonly addresses: readonly string[];
  /** What came of dialling it. */
  readonly outcome: string;
  /** null where there is none, or the target has it already. */
  readonly problem: Problem | null;
}

/** So many are dialled at a time. */
const CONCURRENCY = 256;
/** How long a connection is watched, in ms. */
const RESET_WITHIN = 1_000;

/**
 * Dials each port of each target once, as the relay would, and says where each leads and what came of it; and every problem. What cannot be
 * told is no problem.
 */
export async function checkRoutes(
  config: Config,
  found: readonly Found[],
): Promise<{ readonly lines: readonly string[]; readonly problems: readonly Problem[] }> {
  const dial = createDialler(config);
  const routes: readonly DialledRoute[] = await Readable.from(routesOf(config))
    .map(
      async (route: Route) => {
        const known = found.find(({ target }) => target === route.target);
        const addresses = known?.addresses.map(({ address }) => address) ?? [];
        return { ...route, addresses, ...(await dial(route, known)) };
      },
      { concurrency: CONCURRENCY },
    )
    .toArray();

  const runs = toRuns(routes, areAlike).map((run) => {
    const [first] = run;
    const name = `${first.kind} ${describeRun(first, run.at(-1) ?? first, ' → ')}`;
    const isItself = first.addresses.length === 0 || first.addresses[0] === first.target;
    const addresses = isItself ? '' : ` (${first.addresses.join(', ')})`;
    return {
      line: `${name}${addresses}: ${first.outcome}`,
      problem: first.problem && { ...first.problem, text: `${name}: ${first.problem.text}` },
    };
  });
  return { lines: runs.map(({ line }) => line), problems: runs.flatMap(({ problem }) => problem ?? []) };
}

function createDialler(config: Config) {
  const { connectTimeout, preResolve } = config;
  const guards = { tcp: loopGuardOf(config, 'tcp'), udp: loopGuardOf(config, 'udp') };
  const { signal } = new AbortController();
  const hint = preResolve ? '' : ': if it is this relay itself, by its alias, set PRE_RESOLVE=1';
  const resets = {
    outcome: 'connects, and is reset at once',
    problem: {
      text: `it resets whoever connects, as a relay does that cannot reach its target${hint}`,
      isConfiguration: false,
    },
  };

  return async (
    { kind, target: host, to: port }: Route,
    found: Found | undefined,
  ): Promise<Pick<DialledRoute, 'outcome' | 'problem'>> => {
    if (isWildcard(host) || found === undefined)
      return { outcome: 'a name below it is resolved when a client asks for it', problem: null };
    if (found.problem !== null) return { outcome: 'there is no address to dial', problem: null };

    const withoutLoops = guards[protocolOf(kind)];
    const target: Destination = {
      host,
      port,
      resolve: async () => withoutLoops({ host, port }, found.addresses),
    };
    try {
      if (kind === 'udp') {
        await target.resolve(signal);
        return { outcome: 'whether anything answers there cannot be told with UDP', problem: null };
      }
      const { socket } = await dialTcp(target, {
        order: new DialOrder(),
        connect: connectStream,
        timeout: connectTimeout,
        over: new AbortController(),
      });
      const stream = socket.toStream();
      const isReset = await isResetAtOnce(stream);
      stream.destroy();
      return isReset ? resets : { outcome: 'connects', problem: null };
    } catch (error) {
      const cause = error instanceof DialError ? error.cause : error;
      const text = withoutPort(messageOf(cause), port);
      if (text.includes('ECONNRESET')) return resets; // before Node could tell that it was connected
      return {
        outcome: 'cannot be reached',
        problem: { text, isConfiguration: cause instanceof LoopError },
      };
    }
  };
}

/** Whether a peer resets the connection by itself, as a relay does, or another server that wants nobody from here. */
async function isResetAtOnce(socket: Socket): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), RESET_WITHIN);
  if (socket.destroyed) resolve(true);
  socket
    .once('end', () => resolve(false))
    .once('close', () => resolve(true))
    .once('data', () => resolve(false))
    .resume();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the same has come of two neighbours. */
function areAlike(one: DialledRoute, next: DialledRoute): boolean {
  return areNeighbours(one, next) && next.outcome === one.outcome && next.problem?.text === one.problem?.text;
}

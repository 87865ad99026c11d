import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';

import { Checker } from '../content.ts';
import type { Journal } from '../judge/journal.ts';
import type { Random } from '../random.ts';
import type { CheckTarget } from '../targets/names.ts';
import { attempt, type Load } from './attempt.ts';
import { FIELDS, FRAMINGS, type Framing, toField } from './http-plan.ts';
import { drawPlan, type Plan } from './plan.ts';
import { send } from './send.ts';
import { WrongError } from './wrong-error.ts';

/** So many requests at most follow each other on one connection. */
const MOST_REQUESTS = 6;
const PATIENCE = 120_000; // ms

/** A web server as it is asked for: where, by which authority, and whether by a URI with the authority in it, as a proxy is. */
export interface Site {
  readonly port: number;
  readonly authority: string;
  readonly isAbsolute: boolean;
  readonly check: CheckTarget;
}

/** Requests with contents of both framings, one behind the other on a connection that is kept alive. */
export function httpLoad({ name, door, clients }: Omit<Load, 'run'>, sites: (random: Random) => Site): Load {
  const run = async (random: Random, journal: Journal) => {
    const site = sites(random);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let left = random.whole(1, MOST_REQUESTS); left > 0; left--) {
      const isDone = await attempt(journal, { load: name, door }, () => ask(random, site, agent));
      if (!isDone) break;
    }
    agent.destroy();
  };
  return { name, door, clients, run };
}

async function ask(random: Random, { port, authority, isAbsolute, check }: Site, agent: Agent) {
  const plan = drawPlan(random);
  const framing = random.pick(FRAMINGS);
  const leavesAfter = random.chance(0.02) ? random.whole(0, plan.down.length - 1) : null;
  const path = `/${random.whole(0, 99)}`;
  const request = httpRequest({
    agent,
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: isAbsolute ? `http://${authority}${path}` : path,
    headers: {
      Host: authority,
      [FIELDS.plan]: toField(plan),
      [FIELDS.framing]: framing,
      ...(random.chance(0.5) ? { 'Content-Length': plan.up.length } : { 'Transfer-Encoding': 'chunked' }),
    },
  });
  const outcome = Promise.withResolvers<{ readonly hasLeft: boolean }>();
  const failed = outcome.promise.catch(() => {});
  const checker = new Checker(plan.down);
  let answeredAt: number | null = null;
  request.on('error', outcome.reject);
  request.on('response', (response) => {
    answeredAt = performance.now();
    takeAnswer(response, { plan, framing, checker, check, leavesAfter, outcome });
  });
  const timer = setTimeout(() => outcome.reject(new Error(`not done after ${PATIENCE / 1_000} s`)), PATIENCE);
  try {
    const upload = send(request as never, plan.up).then(() => request.end());
    const [{ hasLeft }] = await Promise.all([outcome.promise, Promise.race([upload, failed])]);
    return { bytes: plan.up.length + checker.received, answeredAt, hasLeft };
  } catch (cause) {
    request.destroy();
    throw cause;
  } finally {
    clearTimeout(timer);
  }
}

interface Expected {
  readonly plan: Plan;
  readonly framing: Framing;
  readonly checker: Checker;
  readonly check: CheckTarget;
  readonly leavesAfter: number | null;
  readonly outcome: PromiseWithResolvers<{ readonly hasLeft: boolean }>;
}

function takeAnswer(
  response: IncomingMessage,
  { plan, framing, checker, check, leavesAfter, outcome }: Expected,
): void {
  const { statusCode, headers, socket } = response;
  response.on('error', outcome.reject);
  if (statusCode !== 200) {
    // The door's own refusal, or what it says of a target that is gone.
    outcome.reject(new Error(`HTTP ${statusCode} ${response.statusMessage}`));
    return void response.resume();
  }
  try {
    check(Number(headers[FIELDS.target]));
  } catch (cause) {
    return outcome.reject(cause);
  }
  response.on('data', (bytes: Buffer) => {
    const fault = checker.take(bytes);
    if (fault !== null) return outcome.reject(new WrongError(`the answer: ${fault}`));
    if (leavesAfter === null || checker.received <= leavesAfter) return;
    outcome.resolve({ hasLeft: true });
    socket.resetAndDestroy();
  });
  response.on('end', () => {
    if (checker.isComplete) return outcome.resolve({ hasLeft: false });
    const { received } = checker;
    outcome.reject(
      new WrongError(
        `the answer, ended by ${framing}, ended as if complete after ${received} bytes of ${plan.down.length}`,
      ),
    );
  });
}

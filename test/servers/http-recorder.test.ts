import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { differenceOf } from '../helpers/difference.ts';
import { expectedOf, startTarget, type Step } from '../helpers/exchange.ts';
import { exchanges as anyExchange } from '../helpers/exchanges/arbitrary.ts';
import { doorExchanges } from '../helpers/exchanges/door.ts';
import { proxyExchanges } from '../helpers/exchanges/proxy.ts';
import { startDoor } from '../helpers/front-end.ts';
import { closedPort } from '../helpers/sockets.ts';

const NAMES = 'api.test www.test';
const TENANTS = { 'api.test': '127.0.0.1', 'www.test': '127.0.0.1' };
/** Without node:ffi all sockets are streams. */
const STREAMS = { NODE_OPTIONS: '--no-experimental-ffi' };

type Environment = Readonly<Record<string, string>>;
const DOORS: Readonly<Record<string, Environment>> = {
  'NAME_CHECK=enforce': { TARGET: NAMES },
  'NAME_CHECK=enforce, over streams': { TARGET: NAMES, ...STREAMS },
  'NAME_CHECK=report': { NAME_CHECK: 'report' },
  'MODE=http-proxy': { MODE: 'http-proxy', NAME_CHECK: 'enforce', TARGET: NAMES },
  'MODE=http-proxy, over streams': { MODE: 'http-proxy', NAME_CHECK: 'enforce', TARGET: NAMES, ...STREAMS },
};

/** Steps of which all arrives as it was sent, on one connection: a report holds nothing back. */
function unedited(steps: readonly Step[]): readonly Step[] {
  return steps.map(({ ends = false, ...step }) =>
    'client' in step ? { client: step.client, ends } : { target: step.target, ends },
  );
}

/** A door, the exchanges that go through it, and how one arrived otherwise than it should, sent whole or in pieces. */
async function world(environment: Environment) {
  const target = await startTarget();
  const { port } = target;
  const { relay, plain, proxy } = await startDoor(
    { httpPort: port, tlsPort: await closedPort(), tenants: TENANTS },
    { MAX_CONNECTIONS: '0', ...environment },
  );
  const asProxy = environment['MODE'] === 'http-proxy';
  const edited = (steps: readonly Step[]) =>
    environment['NAME_CHECK'] === 'report' ? unedited(steps) : steps;
  const all = Object.entries(asProxy ? proxyExchanges(port) : doorExchanges(port));
  return {
    relay,
    exchanges: new Map(all.map(([what, steps]) => [what, edited(steps)])),
    anyExchange: anyExchange({ asProxy, port }).map(edited),
    difference: async (steps: readonly Step[], cuts: readonly number[] = []) => {
      const received = await target.play(asProxy ? proxy : plain, steps, cuts);
      const due = expectedOf(steps);
      const found = [
        differenceOf(received.client, due.client),
        ...due.targets.map((text, i) => differenceOf(received.targets[i] ?? '', text)),
      ].find((one) => one !== null);
      const { length } = received.targets;
      return found ?? (length === due.targets.length ? null : `${length} connections to the target`);
    },
  };
}

/** Where what is sent is cut, as parts of its length. */
const cuts = fc.array(
  fc.noBias(fc.nat(9_999)).map((parts) => parts / 10_000),
  { maxLength: 5 },
);
/** Set the number of runs to thousands now and then. What fails takes its time: it is not tried again to find less of it. */
const settings = { numRuns: Number(process.env['RECORDER_RUNS'] ?? 150), endOnFailure: true };

describe.each(Object.entries(DOORS))('%s', (_, environment) => {
  test('what leaves the door is what came, apart from its edits', async () => {
    const { exchanges, difference, relay } = await world(environment);
    const differences: [string, unknown][] = [];
    for (const [what, steps] of exchanges) {
      const found = await difference(steps);
      if (found !== null) differences.push([what, found]);
      // What does not arrive is waited for in vain.
      if (differences.length > 3) break;
    }
    expect(differences).toEqual([]);
    expect(exchanges.size).toBeGreaterThan(50);
    const isStreams = relay.lines.some(({ msg }) => msg.includes('sockets are streams'));
    expect(isStreams).toBe('NODE_OPTIONS' in environment);
  });

  test('so it is wherever what is sent is cut', async () => {
    const { exchanges, difference } = await world(environment);
    const property = fc.asyncProperty(fc.constantFrom(...exchanges.keys()), cuts, async (what, some) => {
      expect(await difference(exchanges.get(what) ?? [], some)).toBe(null);
    });
    await fc.assert(property, settings);
  });

  test('so it is with up to three requests and answers of any kind', async () => {
    const { anyExchange: exchange, difference } = await world(environment);
    const property = fc.asyncProperty(exchange, cuts, async (steps, some) => {
      expect(await difference(steps, some)).toBe(null);
    });
    await fc.assert(property, settings);
  });
});

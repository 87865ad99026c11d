import { join } from 'node:path';

import { attempt, type Load, withSocket } from '../loads/attempt.ts';
import { drawManner, exchange } from '../loads/exchange.ts';
import { drawPlan } from '../loads/plan.ts';
import { tcpLoad } from '../loads/tcp.ts';
import { freePort } from '../ports.ts';
import type { Place } from './place.ts';
import { openStreams, type Placed, type Surroundings } from './surroundings.ts';
import { TargetList } from './target-list.ts';

/** As windows name those of the door's names that come and go. */
export const COMING_AND_GOING = 'list (names that come and go)';

interface Entry extends Placed {
  readonly host: string;
  readonly listen: number;
}

/** A door that goes by a file: two names stay in it, and three come and go. */
export async function listedDoor(around: Surroundings): Promise<Place> {
  const name = 'list';
  const entryOf = async (host: string): Promise<Entry> => ({
    host,
    listen: await freePort(),
    ...(await openStreams(host, around, { isNamed: true })),
  });
  const staying = await Promise.all(['one.stays.test', 'two.stays.test'].map(entryOf));
  const others = await Promise.all(['one.goes.test', 'two.goes.test', 'three.goes.test'].map(entryOf));
  const textOf = ({ host, listen, port }: Entry) => `${host}:${listen}:${port}`;
  const list = new TargetList(
    join(around.directory, 'targets'),
    staying.map(textOf),
    new Map(others.map((entry) => [entry.host, textOf(entry)])),
  );
  return {
    spec: { name, environment: { ...around.resolving, TARGET_FILE: list.path, WORKERS: '2' } },
    streams: [...staying, ...others].map(({ target }) => target),
    datagrams: [],
    loads: [
      tcpLoad({ name: 'tcp', door: name, clients: 3, receipts: around.receipts }, (random) => {
        const { listen, host } = random.pick(staying);
        return { endpoint: { port: listen }, check: around.names.checkFor(host) };
      }),
      comingAndGoing(others, list, around),
    ],
    mayRestart: false,
    crowdAt: null,
    list,
  };
}

/** Whoever is listed is reached, and nobody listens for the others. */
function comingAndGoing(
  entries: readonly Entry[],
  list: TargetList,
  { names, receipts }: Surroundings,
): Load {
  return {
    name: 'reload',
    door: COMING_AND_GOING,
    clients: 2,
    run: async (random, journal) => {
      const { host, listen } = random.pick(entries);
      const plan = drawPlan(random);
      const isListed = list.isListed(host);
      await attempt(journal, { load: 'reload', door: COMING_AND_GOING }, async () => {
        const exchanged = withSocket({ port: listen }, (socket) =>
          exchange(socket, plan, {
            manner: drawManner(random, plan),
            receipts,
            reset: () => socket.resetAndDestroy(),
          }),
        );
        if (isListed) {
          const done = await exchanged;
          if (done.target !== null) names.checkFor(host)(done.target);
          return done;
        }
        const why = await exchanged.then(
          () => null,
          (cause: NodeJS.ErrnoException) => cause,
        );
        if (why?.code !== 'ECONNREFUSED') throw why ?? new Error(`${host} is not listed, and was reached`);
        return { bytes: 0, answeredAt: null, hasLeft: false };
      });
    },
  };
}

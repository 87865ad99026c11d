import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';

import { Door } from './doors/door.ts';
import type { Place } from './doors/place.ts';
import { openPlaces } from './doors/places.ts';
import { Receipts } from './loads/receipts.ts';
import { freePort } from './ports.ts';
import { Names } from './targets/names.ts';
import { Nameserver } from './targets/nameserver.ts';

const CERTIFICATES = join(import.meta.dirname, '../test/fixtures/tls');

interface Options {
  readonly say: (line: string) => void;
  /** Is told of what must never be. */
  readonly wrong: (message: string) => void;
}

/** A place whose door runs. */
export interface OpenPlace {
  readonly place: Place;
  readonly door: Door;
}

/** All that a run needs. */
export interface World {
  readonly open: readonly OpenPlace[];
  readonly nameserver: Nameserver;
}

/** Starts the nameserver, all targets and all doors; ended with the stack. */
export async function openWorld({ say, wrong }: Options, stack: DisposableStack): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-soak-'));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const nameserver = new Nameserver();
  stack.defer(() => nameserver.close());
  const port = await freePort();
  await nameserver.start(port);
  const fixture = (name: string) => readFileSync(join(CERTIFICATES, name), 'utf8');
  const places = await openPlaces(
    {
      directory,
      nameserver,
      names: new Names(nameserver),
      receipts: new Receipts(),
      resolving: { PRE_RESOLVE: '1', NAMESERVERS: `127.0.0.1:${port}`, TARGET_SCOPE: 'any' },
      certificate: createSecureContext({ cert: fixture('api.pem'), key: fixture('api.key') }),
      ca: fixture('ca.pem'),
      wrong,
    },
    say,
  );
  const targets = places.flatMap(({ streams, datagrams }) => [...streams, ...datagrams]);
  await Promise.all(targets.map((target) => target.start()));
  const open = places.map((place) => ({ place, door: new Door(place.spec, wrong) }));
  for (const { door } of open) stack.defer(() => door.dispose());
  await Promise.all(open.map(({ door }) => door.start()));
  return { open, nameserver };
}

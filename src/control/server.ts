import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname } from 'node:path';

import { askControl } from './client.ts';
import type { Status } from './protocol.ts';
import { prepareRunDir } from './run-dir.ts';

export interface Control {
  readonly path: string;
  close: () => void;
}

/** How long the owner of a socket found in our place may take to answer, in ms. */
const OWNER_TIMEOUT = 1_000;

/**
 * Answers on a unix socket, mode 0600, at the first of `paths` whose directory is writable. Rejects when none is, or when another
 * relay answers there.
 */
export async function openControl(paths: readonly string[], status: () => Status): Promise<Control> {
  const path = paths.find((candidate) => prepareRunDir(dirname(candidate)));
  if (path === undefined)
    throw new Error(`none of ${paths.map((each) => dirname(each)).join(', ')} is writable`);

  await removeStale(path);
  const server: Server = createServer((socket) => {
    socket.on('error', () => {}); // whoever asked has left
    socket.end(JSON.stringify(status()));
  });
  server.listen(path, () => chmodSync(path, 0o600));
  await once(server, 'listening');
  server.on('error', () => {}); // who asks is not answered; the relay goes on
  return { path, close: () => server.close() };
}

/** A relay that was killed leaves its socket behind; a live one is left alone. */
async function removeStale(path: string): Promise<void> {
  const owner = await askControl(path, OWNER_TIMEOUT).catch(() => null);
  if (owner !== null) throw new Error(`another relay answers at ${path}`);
  rmSync(path, { force: true });
}

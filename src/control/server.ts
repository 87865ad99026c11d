import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';

import { askControl } from './client.ts';
import type { BlackoutRequest, Status } from './protocol.ts';
import { prepareRunDir } from './run-dir.ts';

interface Answers {
  readonly status: () => Status;
  /** Resolves when it is so. */
  readonly blackOut: (request: BlackoutRequest) => Promise<void>;
}

export interface Control {
  readonly path: string;
  close: () => void;
}

/** How long the owner of a socket found in our place may take to answer, in ms. */
const OWNER_TIMEOUT = 1_000;
/** How long whoever connects may take to say what it wants, in ms, and in how many characters. */
const REQUEST_TIMEOUT = 2_000;
const MAX_REQUEST_LENGTH = 1_024;
const STATES: ReadonlySet<unknown> = new Set<BlackoutRequest['blackout']>(['off', 'on', 'draining']);

/**
 * Answers on a unix socket, mode 0600, at the first of `paths` whose directory is writable. Rejects when none is, or when another
 * relay answers there.
 */
export async function openControl(paths: readonly string[], answers: Answers): Promise<Control> {
  const path = paths.find((candidate) => prepareRunDir(dirname(candidate)));
  if (path === undefined)
    throw new Error(`none of ${paths.map((each) => dirname(each)).join(', ')} is writable`);

  await removeStale(path);
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {}); // whoever asked has left
    answer(socket, answers).catch(() => void socket.destroy());
  });
  server.listen(path, () => chmodSync(path, 0o600));
  await once(server, 'listening');
  server.on('error', () => {}); // who asks is not answered; the relay goes on
  return { path, close: () => server.close() };
}

/** Reads to the FIN, does what is requested and tells the status. Rejects when that is no request. */
async function answer(socket: Socket, { status, blackOut }: Answers): Promise<void> {
  socket.setTimeout(REQUEST_TIMEOUT, () => void socket.destroy());
  let request = '';
  for await (const chunk of socket
    .setEncoding('utf8')
    .iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    request += chunk;
    if (request.length > MAX_REQUEST_LENGTH) throw new Error('that is no request of ours');
  }
  socket.setTimeout(0);
  if (request !== '') await blackOut(readRequest(request));
  socket.end(JSON.stringify(status()));
}

/** Throws when that is no request. */
function readRequest(text: string): BlackoutRequest {
  const request = JSON.parse(text) as BlackoutRequest;
  if (!STATES.has(request.blackout)) throw new Error('that is no request of ours');
  return request;
}

/** A relay that was killed leaves its socket behind; a live one is left alone. */
async function removeStale(path: string): Promise<void> {
  const owner = await askControl(path, OWNER_TIMEOUT).catch(() => null);
  if (owner !== null) throw new Error(`another relay answers at ${path}`);
  rmSync(path, { force: true });
}

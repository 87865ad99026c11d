import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';

import { messageOf } from '../message-of.ts';
import { askControl } from './client.ts';
import type { Answer, BlackoutRequest, Status } from './protocol.ts';
import { readRequest } from './read-request.ts';
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
/** How long a connection may take, request and answer, in ms; whoever asks waits no longer. */
const TIMEOUT = 5_000;
/** How many may ask at a time. */
const MAX_CONNECTIONS = 32;

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
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(path, () => chmodSync(path, 0o600));
  await once(server, 'listening');
  server.on('error', () => {}); // who asks is not answered; the relay goes on
  return { path, close: () => server.close() };
}

/** Reads to the FIN, does what is requested and tells the status, and what is wrong with the request. */
async function answer(socket: Socket, { status, blackOut }: Answers): Promise<void> {
  const timer = setTimeout(() => void socket.destroy(), TIMEOUT).unref();
  socket.once('close', () => clearTimeout(timer));
  let error: string | null = null;
  try {
    const request = await readRequest(socket);
    if (request !== null) await blackOut(request);
  } catch (cause) {
    error = messageOf(cause);
  }
  socket.end(JSON.stringify({ ...status(), error } satisfies Answer), () => void socket.destroy());
}

/** A relay that was killed leaves its socket behind; a live one is left alone. */
async function removeStale(path: string): Promise<void> {
  const owner = await askControl(path, OWNER_TIMEOUT).catch(() => null);
  if (owner !== null) throw new Error(`another relay answers at ${path}`);
  rmSync(path, { force: true });
}

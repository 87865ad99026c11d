import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';

import { messageOf } from '../lib/message-of.ts';
import type { Answer, Asked, BlackoutRequest, Status } from './protocol.ts';
import { readRequest } from './read-request.ts';
import { lockRunDir } from './run-dir-lock.ts';
import { ownedByAnother, prepareRunDir } from './run-dir.ts';

interface Answers {
  readonly status: () => Status;
  /** Resolves when what it tells is of now. */
  readonly look: () => Promise<void>;
  readonly asked: () => Asked;
  /** Resolves when it is so. */
  readonly blackOut: (request: BlackoutRequest) => Promise<void>;
}

export interface Control {
  readonly path: string;
  close: () => void;
}

/** How long a connection may take, request and answer, in ms; whoever asks waits no longer. */
const TIMEOUT = 5_000;
/** How many may ask at a time. */
const MAX_CONNECTIONS = 32;

/**
 * Answers on a unix socket, mode 0600, at the first of `paths` whose directory is writable. Rejects when none is, or when another relay has that
 * directory, even one that is stopped (SIGSTOP). Where the directory cannot be locked, `onUnlocked` is told why; an owner is found all the
 * same, but not one that starts at the same moment.
 */
export async function openControl(
  paths: readonly string[],
  answers: Answers,
  onUnlocked: (cause: unknown) => void,
): Promise<Control> {
  const path = paths.find((candidate) => prepareRunDir(dirname(candidate)));
  if (path === undefined)
    throw new Error(`none of ${paths.map((each) => dirname(each)).join(', ')} is writable`);

  const unlock = lockRunDir(dirname(path), onUnlocked);
  try {
    await removeStale(path);
    const server = await listenAt(path, answers);
    const close = () => {
      server.close(); // which removes the socket
      unlock();
    };
    return { path, close };
  } catch (cause) {
    unlock();
    throw cause;
  }
}

async function listenAt(path: string, answers: Answers): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {}); // whoever asked has left
    answer(socket, answers).catch(() => void socket.destroy());
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(path, () => chmodSync(path, 0o600));
  await once(server, 'listening');
  server.on('error', () => {}); // who asks is not answered; the relay goes on
  return server;
}

/** Reads to the FIN, does what is requested and tells the status, what else was asked for, and what is wrong with the request. */
async function answer(socket: Socket, { status, look, asked, blackOut }: Answers): Promise<void> {
  const timer = setTimeout(() => void socket.destroy(), TIMEOUT).unref();
  socket.once('close', () => clearTimeout(timer));
  let rest: Pick<Answer, 'asked' | 'error'> = {};
  try {
    const request = await readRequest(socket);
    if (request !== null && 'names' in request) rest = { asked: asked() };
    else if (request !== null) await blackOut(request);
  } catch (cause) {
    rest = { error: messageOf(cause) };
  }
  await look();
  socket.end(JSON.stringify({ ...status(), ...rest } satisfies Answer), () => void socket.destroy());
}

/**
 * A relay that was killed leaves its socket behind, at which the kernel refuses (ECONNREFUSED of unix(7)). A live one's is left alone, and takes
 * connections whether its owner reads them or not.
 */
async function removeStale(path: string): Promise<void> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code === 'ECONNREFUSED') return rmSync(path, { force: true });
    if (code !== 'EAGAIN') throw cause; // that one is full
  } finally {
    socket.destroy();
  }
  throw ownedByAnother(dirname(path), `which takes connections at ${path}`);
}

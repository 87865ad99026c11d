import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import { openKernel } from '../kernel/kernel.ts';
import { visible } from '../lib/visible.ts';
import { listenAt } from '../relay/listen-at.ts';
import type { Relay } from '../relay/relay.ts';
import { openListener } from '../relay/tcp/open-listener.ts';
import type { TcpSocket } from '../relay/tcp/tcp-socket.ts';

export interface Admin {
  readonly failed: Relay['failed'];
  close: () => void;
}

/** What is answered to a GET. */
export interface Page {
  readonly status: 200 | 421 | 503;
  readonly type: string;
  readonly text: string;
  /** Header fields beside these. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** By path; each is told the request's Host. */
type Pages = Readonly<Record<string, (host: string) => Page | Promise<Page>>>;

const PLAIN = 'text/plain; charset=utf-8';
const METHODS = ['GET', 'HEAD'];
/** A request and its answer take no longer than this, in ms. */
const TIMEOUT = 10_000;
/** How many there may be at a time. */
const MAX_CLIENTS = 32;

/**
 * Serves pages over HTTP, each on a connection of its own. Rejects with a ListenError when it cannot listen.
 *
 * Each connection has a timer, and ends with its answer. node:http is handed connections, and does not
 * listen: its own look at them would wake the process every 30 s.
 */
export async function openAdmin(
  { host, port }: { readonly host: string; readonly port: number },
  pages: Pages,
): Promise<Admin> {
  const server = createServer((request, response) => void answer(request, response, pages));
  const sockets = new Set<Socket>();
  const accept = (client: TcpSocket) => {
    const socket = client.toStream();
    const timer = setTimeout(() => socket.destroy(), TIMEOUT).unref();
    sockets.add(socket);
    socket.once('close', () => {
      clearTimeout(timer);
      sockets.delete(socket);
    });
    server.emit('connection', socket);
    socket.resume(); // a stream that Node has accepted waits for it
  };
  // Not the server itself listens: Node would not notice when its listener is gone, and would look after its connections every 30 s.
  const { listeners, failed } = await listenAt({
    protocol: 'admin tcp',
    port,
    addresses: [host],
    open: (at) =>
      openListener(at, { kernel: openKernel(), mayAccept: () => sockets.size < MAX_CLIENTS, accept }),
  });
  return {
    failed,
    close: () => {
      for (const listener of listeners) listener.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A page with one line or more, for people; nothing in it can steer a terminal. */
export function plainPage(status: Page['status'], ...lines: readonly string[]): Page {
  return { status, type: PLAIN, text: lines.map((line) => `${visible(line)}\n`).join('') };
}

async function answer(
  { method = '', url = '', headers: { host = '' } }: IncomingMessage,
  response: ServerResponse,
  pages: Pages,
): Promise<void> {
  const say = (status: number, text: string, fields: Readonly<Record<string, string>>) =>
    response
      .writeHead(status, { connection: 'close', 'x-content-type-options': 'nosniff', ...fields })
      .end(text);
  const [path = ''] = url.split('?');
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined)
    return void say(404, `there is ${Object.keys(pages).join(', ')}\n`, { 'content-type': PLAIN });
  if (!METHODS.includes(method))
    return void say(405, 'GET only\n', { 'content-type': PLAIN, allow: METHODS.join(', ') });
  try {
    const { status, type, text, fields } = await page(host);
    say(status, text, { 'content-type': type, 'cache-control': 'no-store', ...fields });
  } catch {
    response.destroy();
  }
}

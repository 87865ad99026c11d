import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { ListenError } from '../relay/relay.ts';
import { visible } from '../visible.ts';

export interface Admin {
  close: () => void;
}

/** What is answered to a GET. */
export interface Page {
  readonly status: 200 | 503;
  readonly type: string;
  readonly text: string;
}

/** By path. */
type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

const PLAIN = 'text/plain; charset=utf-8';
const METHODS = ['GET', 'HEAD'];
/** A request and its answer take no longer than this, in ms. */
const TIMEOUT = 10_000;
/** Never, as far as a timer can wait, in ms (its bound is 2³¹ - 1). */
const NEVER = 2 ** 31 - 1;

/** Serves pages over HTTP, each on a connection of its own. Keeps nothing alive. Rejects with a ListenError when it cannot listen. */
export async function openAdmin(
  { host, port }: { readonly host: string; readonly port: number },
  pages: Pages,
): Promise<Admin> {
  // Node would look after its connections every 30 s, whether there are any or not; here each has a timer.
  const server = createServer({ connectionsCheckingInterval: NEVER }, (request, response) => {
    void answer(request, response, pages);
  });
  server.on('connection', (socket) => {
    socket.unref();
    const timer = setTimeout(() => socket.destroy(), TIMEOUT).unref();
    socket.once('close', () => clearTimeout(timer));
  });
  server.listen(port, host).unref();
  await once(server, 'listening').catch((cause: unknown) => {
    throw new ListenError('listen on admin tcp', { address: host, port }, cause);
  });
  server.on('error', () => {}); // who asks is not answered; the relay goes on
  return {
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A page with one line or more, for people; nothing in it can steer a terminal. */
export function plainPage(status: Page['status'], ...lines: readonly string[]): Page {
  return { status, type: PLAIN, text: lines.map((line) => `${visible(line)}\n`).join('') };
}

async function answer(
  { method = '', url = '' }: IncomingMessage,
  response: ServerResponse,
  pages: Pages,
): Promise<void> {
  const say = (status: number, text: string, fields: Readonly<Record<string, string>>) =>
    response.writeHead(status, { connection: 'close', ...fields }).end(text);
  const [path = ''] = url.split('?');
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined)
    return void say(404, `there is ${Object.keys(pages).join(', ')}\n`, { 'content-type': PLAIN });
  if (!METHODS.includes(method))
    return void say(405, 'GET only\n', { 'content-type': PLAIN, allow: METHODS.join(', ') });
  try {
    const { status, type, text } = await page();
    say(status, text, { 'content-type': type, 'cache-control': 'no-store' });
  } catch {
    response.destroy();
  }
}

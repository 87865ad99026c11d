import { once } from 'node:events';

import { startDaemon } from './daemon.ts';
import { temporaryDirectory } from './program.ts';

type Message = Readonly<{
  id?: number;
  method?: string;
  params?: { request?: { url?: string } };
  result?: unknown;
  error?: unknown;
}>;

/** A page in Debian's Chromium, driven over the DevTools protocol by Node's own WebSocket. */
export interface BrowserPage {
  /** The value of an expression in the page; rejects with what it throws. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  readonly send: (method: string, params?: object) => Promise<unknown>;
  /** The URLs that were asked for. */
  readonly requests: readonly string[];
}

/** Opens a page at a URL; the browser ends with the test. */
export async function openInChromium(url: string): Promise<BrowserPage> {
  const home = temporaryDirectory();
  const browser = await startDaemon(
    '/usr/bin/chromium',
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
      '--remote-debugging-port=0',
      `--user-data-dir=${home}`,
      'about:blank',
    ],
    { env: { PATH: '/usr/bin:/bin', HOME: home }, ready: '/devtools/browser/' },
  );
  const [, port] = /^DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//m.exec(browser.output()) ?? [];
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as readonly {
    type: string;
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(targets.find(({ type }) => type === 'page')?.webSocketDebuggerUrl ?? '');
  await once(socket, 'open');
  const requests: string[] = [];
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params, result, error } = JSON.parse(String(data)) as Message;
    if (method === 'Network.requestWillBeSent') requests.push(params?.request?.url ?? '');
    if (id === undefined) return;
    if (error === undefined) waiting.get(id)?.resolve(result);
    else waiting.get(id)?.reject(new Error(JSON.stringify(error)));
  });
  let sent = 0;
  const send = (method: string, params: object = {}) => {
    const answer = Promise.withResolvers<unknown>();
    waiting.set(++sent, answer);
    socket.send(JSON.stringify({ id: sent, method, params }));
    return answer.promise;
  };
  const evaluate = async (expression: string) => {
    const { result, exceptionDetails } = (await send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    })) as { result: { value?: unknown }; exceptionDetails?: unknown };
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return result.value;
  };
  await send('Network.enable');
  await send('Page.enable');
  await send('Page.navigate', { url });
  return { evaluate, send, requests };
}

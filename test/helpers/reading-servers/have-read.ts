import { connect } from 'node:net';

import type { Reading } from '../http-compare.ts';
import type { LoggedRequest, ReadingServer } from './reading-server.ts';

/** How many connections are open at a time. */
const AT_A_TIME = 24;
/** By then each connection must have come to its end, in ms. */
const TIMEOUT = 10_000;
/** An answer that says that the connection is closed, or none. */
const CLOSES = /\r\nConnection: close|^$/i;

/** Has a server read texts, each on a connection of its own from an address of its own; what it has made of each. */
export async function haveRead(server: ReadingServer, texts: readonly string[]): Promise<readonly Reading[]> {
  const answers: string[] = [];
  let next = 0;
  const work = async () => {
    while (next < texts.length) {
      const i = next++;
      answers[i] = await say(server, texts[i] ?? '', addressOf(i));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  const logged = server.read();
  return texts.map((_, i) => {
    const requests = logged.get(addressOf(i)) ?? [];
    // Behind HTTP/1.0 a connection may be closed without a word.
    const isLast = requests.at(-1)?.line.endsWith('HTTP/1.0') === true;
    const isRefused = isLast || requests.some(({ status }) => status >= 400) || CLOSES.test(answers[i] ?? '');
    return { requests: requests.map(readingOf), isRefused };
  });
}

function readingOf({ status, line, host, content }: LoggedRequest): Reading['requests'][number] {
  const [method = '', target = ''] = line.split(' ');
  const isRefused = status >= 400;
  return { method, target, hosts: host === null ? [] : [host], content, isWhole: true, isRefused };
}

function addressOf(i: number): string {
  return `127.${1 + (i >> 14)}.${(i >> 7) & 127}.${1 + (i & 127)}`;
}

/** Sends a text and a FIN; all that comes back, up to the end of the connection or a reset. */
function say({ name, port }: ReadingServer, text: string, localAddress: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect({ port, host: '127.0.0.1', localAddress, allowHalfOpen: true });
    socket.setTimeout(TIMEOUT, () => {
      reject(new Error(`${name} does not end after ${JSON.stringify(text)}`));
      socket.destroy();
    });
    socket.setEncoding('latin1').on('data', (piece: string) => (heard += piece));
    socket.on('error', () => {}).once('close', () => resolve(heard));
    socket.end(text, 'latin1');
  });
}

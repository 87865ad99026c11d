import { expect } from 'vitest';

import { RequestReader } from '../../src/wire/http-request-reader.ts';
import { Refusal } from '../../src/wire/refusal.ts';
import { tcpServer } from './sockets.ts';

/** A target that answers what it is asked, and keeps what it has read of it. */
export interface AnsweringTarget {
  readonly port: number;
  /** What has come on each connection since the last call, the oldest first, as latin1, once all of them are closed. */
  readonly take: () => Promise<readonly string[]>;
}

/** Starts a target on loopback that has each request answered, and CONNECT refused, when it has read it to its end. Ended with the test. */
export async function startAnsweringTarget(): Promise<AnsweringTarget> {
  const texts: string[] = [];
  let open = 0;
  const { port } = await tcpServer((socket) => {
    const place = texts.push('') - 1;
    open++;
    const reader = new RequestReader({ asProxy: false });
    socket.setNoDelay();
    socket.on('data', (bytes: Buffer) => {
      texts[place] += bytes.toString('latin1');
      for (const method of methodsIn(reader, bytes))
        socket.write(`HTTP/1.1 ${method === 'CONNECT' ? '405 No' : '200 OK'}\r\nContent-Length: 0\r\n\r\n`);
    });
    socket.once('end', () => socket.end()).once('close', () => open--);
  });
  return {
    port,
    async take() {
      await expect.poll(() => open, { interval: 1 }).toBe(0);
      return texts.splice(0);
    },
  };
}

/** The methods of the requests that end within these bytes; none behind what cannot be read. */
function methodsIn(reader: RequestReader, bytes: Buffer): readonly string[] {
  const methods: string[] = [];
  try {
    for (let at = 0; at < bytes.length;) {
      const isHead = reader.isBetween;
      at = isHead ? reader.readHead(bytes, at, bytes.length) : reader.readContent(bytes, at, bytes.length);
      if (reader.isBetween && (reader.hasHead || !isHead)) methods.push(reader.method);
    }
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
  }
  return methods;
}

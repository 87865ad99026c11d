import { connect } from 'node:net';

import { expect } from 'vitest';

import { differenceOf } from './difference.ts';
import { startDoor } from './front-end.ts';
import type { Sallyport } from './program.ts';
import { closedPort, tcpServer } from './sockets.ts';

/** The bytes of one connection as latin1. */
export interface Recording {
  sent: string;
  received: string;
}

interface Recorder {
  readonly port: number;
  /** The connections since the last call, oldest first, once all of them are closed. */
  readonly take: () => Promise<readonly Recording[]>;
}

/** Relays TCP to a server on loopback, or to a socket's path, and records every byte; FINs and resets are passed on. Ended with the test. */
async function startRecorder(target: number | string): Promise<Recorder> {
  const recordings: Recording[] = [];
  let open = 0;
  const { port } = await tcpServer((client) => {
    const recording = { sent: '', received: '' };
    recordings.push(recording);
    open++;
    const place = typeof target === 'string' ? { path: target } : { port: target, host: '127.0.0.1' };
    const upstream = connect({ ...place, allowHalfOpen: true });
    for (const socket of [client, upstream]) socket.setNoDelay();
    client.on('data', (chunk: Buffer) => (recording.sent += chunk.toString('latin1'))).pipe(upstream);
    upstream.on('data', (chunk: Buffer) => (recording.received += chunk.toString('latin1'))).pipe(client);
    client.once('error', () => upstream.resetAndDestroy());
    upstream.once('error', () => client.resetAndDestroy());
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => {
      client.destroy();
      open--;
    });
  });
  return {
    port,
    async take() {
      await expect.poll(() => open, { interval: 5, timeout: 8_000 }).toBe(0);
      return recordings.splice(0);
    },
  };
}

/** A door to `localhost` with a recorder on either side of it. */
export interface RecordedDoor {
  readonly relay: Sallyport;
  /** The URL of a path: through the door, or, with MODE=http-proxy, for `proxy`. */
  readonly url: (path: string) => string;
  /** The port and URL of the recorder in front of the door. */
  readonly port: number;
  readonly proxy: string;
  /** What passed on either side since the last call, once all connections are closed. */
  readonly take: () => Promise<{
    readonly outside: readonly Recording[];
    readonly inside: readonly Recording[];
  }>;
}

/** Starts a relay that checks names, in front of a server on this port of loopback, or at this path. */
export async function startRecordedDoor(
  server: number | string,
  environment: Readonly<Record<string, string>> = {},
): Promise<RecordedDoor> {
  const inside = await startRecorder(server);
  const { relay, plain, proxy } = await startDoor(
    { httpPort: inside.port, tlsPort: await closedPort(), tenants: { localhost: '127.0.0.1' } },
    { TARGET: 'localhost', NAME_CHECK: 'enforce', ...environment },
  );
  const isProxy = environment['MODE'] === 'http-proxy';
  const outside = await startRecorder(isProxy ? proxy : plain);
  return {
    relay,
    url: (path) => `http://localhost:${isProxy ? inside.port : outside.port}${path}`,
    port: outside.port,
    proxy: `http://127.0.0.1:${outside.port}`,
    take: async () => ({ outside: await outside.take(), inside: await inside.take() }),
  };
}

/** What becomes of requests with content: each is the last on its connection to the target. */
export function asLast(sent: string): string {
  return sent.replaceAll(/(?:PUT|POST) \S+ HTTP\/1\..\r\n(?:.+\r\n)+\r\n/g, (head) => {
    if (!/^(?:Content-Length: [1-9]|Transfer-Encoding: )/im.test(head)) return head;
    return head.replace(/^Connection: keep-alive\r\n/im, '').replace('\r\n', '\r\nConnection: close\r\n');
  });
}

interface Edits {
  /** What becomes of the bytes from the client. */
  readonly sent?: (text: string) => string;
  /** What was received of the target, where the door has put bytes of its own before it. */
  readonly received?: (text: string) => string;
  /** Whether the target may have ended the connection before it read all that the client sent. */
  readonly isCut?: boolean;
  /** Whether connections are compared in the order in which they were opened; else there must be one on either side. */
  readonly isOrdered?: boolean;
}

/** Expects that both sides of a door recorded the same bytes apart from these edits; and hands out what the client sent and received. */
export async function expectFaithful(
  { take }: Pick<RecordedDoor, 'take'>,
  { sent = (text) => text, received = (text) => text, isCut = false, isOrdered = true }: Edits = {},
): Promise<Recording> {
  const { outside, inside } = await take();
  const edited = outside.map((recording) => ({
    sent: sent(recording.sent),
    received: received(recording.received),
  }));
  const [due, target] = [edited, inside].map((side) => joined(isOrdered ? side : side.toSorted(byText))) as [
    Recording,
    Recording,
  ];
  expect(differenceOf(target.sent, isCut ? due.sent.slice(0, target.sent.length) : due.sent)).toBe(null);
  expect(differenceOf(due.received, target.received)).toBe(null);
  return joined(outside);
}

function joined(recordings: readonly Recording[]): Recording {
  return {
    sent: recordings.map(({ sent }) => sent).join(''),
    received: recordings.map(({ received }) => received).join(''),
  };
}

function byText(one: Recording, other: Recording): number {
  return `${one.sent}${one.received}` < `${other.sent}${other.received}` ? -1 : 1;
}

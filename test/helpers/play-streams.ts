import type { AnsweringTarget } from './answering-target.ts';
import type { ClientStream } from './http-corpus/requests.ts';
import { byConnection, flights, nameOf, passOnMost, type PassedRequest } from './http-passed.ts';
import { endOf, tcpClient } from './sockets.ts';

/** A relay with a check that lists api.test, and the target that it leads to. */
interface Lane {
  readonly target: AnsweringTarget;
  /** Where the relay listens on 127.0.0.1. */
  readonly port: number;
}

interface Played {
  readonly count: number;
  /** What has left the relay, connection after connection. */
  readonly sent: readonly string[];
  /** For which streams that is something else than it should be, and how. */
  readonly faults: readonly string[];
}

/** Has a client send each stream to a relay, one after the other. */
export async function playStreams({ target, port }: Lane, streams: readonly ClientStream[]): Promise<Played> {
  const sent: string[] = [];
  const faults: string[] = [];
  for (const stream of streams) {
    const client = await tcpClient(port);
    client.end(stream.text, 'latin1');
    await endOf(client);
    const texts = await target.take();
    const due = dueOf(stream, target.port);
    sent.push(...texts);
    if (!isSame(texts, due)) faults.push(JSON.stringify({ stream, texts, due }));
  }
  return { count: streams.length, sent, faults };
}

/** What has to leave the relay. */
interface Due {
  readonly texts: readonly string[];
  /** Whether the last connection ends within a request that cannot be read to its end: how much of that has left is left open. */
  readonly isCut: boolean;
}

function dueOf({ text, asProxy }: ClientStream, port: number): Due {
  const bytes = Buffer.from(text, 'latin1');
  const target = `api.test:${port}`;
  const ofDoor = {
    asProxy: false,
    allows: (host: string, method: string) =>
      method === 'CONNECT' ? host === target : nameOf(host) === 'api.test',
  };
  const ofProxy = { asProxy: true, allows: (host: string) => host === target };
  const { requests, tunnelAt } = passOnMost(bytes, asProxy ? ofProxy : ofDoor);
  const isLast = ({ hasContent }: PassedRequest) => hasContent;
  const connections = [...byConnection(requests, isLast)];
  if (tunnelAt !== null) {
    // To its target there is no second way.
    const [only] = byConnection(passOnMost(bytes.subarray(tunnelAt), ofDoor).requests, isLast);
    connections.push(only ?? []);
  }
  return {
    texts: connections.map((connection) => flights(connection, 'sent').join('')),
    isCut: connections.at(-1)?.at(-1)?.isWhole === false,
  };
}

function isSame(texts: readonly string[], due: Due): boolean {
  if (texts.length !== due.texts.length) return false;
  const mayBeCut = (i: number) => due.isCut && i === texts.length - 1;
  return texts.every((text, i) =>
    mayBeCut(i) ? due.texts[i]?.startsWith(text) === true : text === due.texts[i],
  );
}

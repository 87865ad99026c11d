import { type Duplex, duplexPair } from 'node:stream';

import type { RequestHead } from '../wire/http-request.ts';
import { OpeningReader } from '../wire/opening.ts';
import { Refusal } from '../wire/refusal.ts';
import { chooseByHello, chooseByRequest, type NameRules } from './choose.ts';
import type { Connection } from './connection.ts';
import { createHttpParser } from './http-parser.ts';
import { logRefusal } from './log-refusal.ts';
import { nameDeadline, readFirst, timeUntil } from './read-first.ts';

/**
 * Listens in on what a client says first, while it is relayed, and logs what a check would refuse. To be called before anything is read from
 * the client.
 */
export type NameReport = (connection: Connection, rules: NameRules) => void;

/** A report on names that holds nobody up: it reads a copy. */
export function createNameReport(): NameReport {
  const readHead = createHeadReader();

  async function judge(copy: Duplex, { gone }: Connection, rules: NameRules): Promise<void> {
    const deadline = nameDeadline();
    const opening = await readFirst(copy, new OpeningReader(), { gone, deadline });
    if (opening.protocol === 'tls') {
      chooseByHello(opening.hello, rules);
    } else {
      chooseByRequest(await readHead(copy, deadline), { choose: rules.choose, asProxy: false });
    }
  }

  return (connection, rules) => {
    const { client, from, shared } = connection;
    const [ear, copy] = duplexPair();
    const listen = (chunk: Buffer) => ear.write(chunk);
    const onEnd = () => ear.end();
    client.on('data', listen).once('end', onEnd);
    judge(copy, connection, rules)
      .catch((cause: unknown) => {
        if (cause instanceof Refusal) logRefusal(shared.log, from, cause, 'would refuse');
      })
      .finally(() => {
        client.off('data', listen).off('end', onEnd);
        copy.destroy();
      });
  };
}

/** Reads the head of the first request in a stream. Rejects with a Refusal. */
function createHeadReader(): (stream: Duplex, deadline: number) => Promise<RequestHead> {
  const readers = new WeakMap<Duplex, PromiseWithResolvers<RequestHead>>();
  const onHead = (request: RequestHead & { readonly socket: Duplex }) =>
    readers.get(request.socket)?.resolve(request);
  const readRequests = createHttpParser({
    onRequest: onHead,
    onUpgrade: onHead,
    onConnect: onHead,
    onRefusal: (stream, refusal) => readers.get(stream)?.reject(refusal),
  });

  return async (stream, deadline) => {
    const reader = Promise.withResolvers<RequestHead>();
    readers.set(stream, reader);
    stream.once('close', () => reader.reject(new Error('it ended')));
    const onSilence = () => reader.reject(new Refusal('silent', 'no whole request head in time'));
    const timer = setTimeout(onSilence, timeUntil(deadline));
    readRequests(stream);
    try {
      return await reader.promise;
    } finally {
      clearTimeout(timer);
      readers.delete(stream);
    }
  };
}

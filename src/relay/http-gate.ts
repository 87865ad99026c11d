import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { Refusal } from '../wire/refusal.ts';
import type { Connection } from './connection.ts';
import { createHttpParser } from './http-parser.ts';
import { HttpVisit, type Terms } from './http-visit.ts';
import { timeUntil } from './read-first.ts';

/** Serves a client that speaks HTTP/1 until both ends are closed; at the deadline (see nameDeadline) it must have asked for something. */
export type HttpGate = (connection: Connection, terms: Terms, deadline: number) => Promise<void>;

/**
 * Has each request of a client written anew to the target that it names: what the target reads is what was read here, so that no request
 * can be smuggled in another.
 */
export function createHttpGate(): HttpGate {
  const visits = new WeakMap<Duplex, HttpVisit>();
  const visitOf = ({ socket }: IncomingMessage) => visits.get(socket);

  const readRequests = createHttpParser({
    onRequest: (request, response) => visitOf(request)?.request(request, response),
    onUpgrade: (request, head) => visitOf(request)?.upgrade(request, head),
    onConnect: (request, head) => visitOf(request)?.connect(request, head),
    onRefusal: (socket, refusal) => visits.get(socket)?.refuse(refusal),
  });

  return async (connection, terms, deadline) => {
    const { client } = connection;
    const visit = new HttpVisit(connection, terms);
    const timer = setTimeout(() => {
      if (!visit.hasAsked) visit.refuse(new Refusal('silent', 'no whole request head in time'));
    }, timeUntil(deadline));
    visits.set(client, visit);
    readRequests(client);
    try {
      await visit.end();
    } finally {
      visits.delete(client);
      clearTimeout(timer);
    }
  };
}

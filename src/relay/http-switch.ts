import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { HttpLine, Outgoing } from './http-line.ts';

/** What a target answers to a request that may change the protocol. */
interface Switch {
  readonly answer: IncomingMessage;
  /** What has come behind its head, where the protocol has changed. */
  readonly rest: Buffer;
}

/** Sends a request that may change the protocol, and has no content. Rejects when there is no answer. */
export async function askToSwitch(line: HttpLine, outgoing: Outgoing): Promise<Switch> {
  const { promise, resolve, reject } = Promise.withResolvers<Switch>();
  const onSwitch = (answer: IncomingMessage, _socket: unknown, rest: Buffer) => resolve({ answer, rest });
  line
    .begin(outgoing)
    .on('upgrade', onSwitch)
    .on('connect', onSwitch)
    .on('response', (answer) => resolve({ answer, rest: Buffer.alloc(0) }))
    .on('error', (cause) => reject(line.failure(cause)))
    .once('close', () => reject(line.failure(new Error('it ended without an answer'))))
    .end();
  const answered = await promise;
  line.isBusy = false; // whatever else the target says, it has the whole request
  return answered;
}

/** The head of an answer as it came. */
export function rawHead({
  httpVersion,
  statusCode = 0,
  statusMessage = '',
  rawHeaders,
}: IncomingMessage): Buffer {
  const fields = rawHeaders.flatMap((value, i) =>
    i % 2 === 1 ? [`${rawHeaders[i - 1]}: ${value}\r\n`] : [],
  );
  const head = `HTTP/${httpVersion} ${statusCode} ${statusMessage}\r\n${fields.join('')}\r\n`;
  return Buffer.from(head, 'latin1');
}

/** A response through node:http on a socket that node:http has given away. */
export function responseOn(client: Socket, request: IncomingMessage): ServerResponse {
  const response = new ServerResponse(request);
  response.assignSocket(client);
  client.on('drain', () => response.emit('drain'));
  return response;
}

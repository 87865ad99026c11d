import { once } from 'node:events';
import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingMessage,
  request as send,
  type ServerResponse,
} from 'node:http';

import { endToEndFields, fieldValues } from '../wire/http-fields.ts';
import type { RequestTarget } from '../wire/http-request.ts';
import { MAX_HEAD_SIZE } from './http-parser.ts';
import { hasLostWrites } from './outlive-writes.ts';

/** How a request goes on. */
export interface Way {
  /** Holds the one socket to the target. */
  readonly agent: Agent;
  readonly asked: RequestTarget;
  /** What Via is to say (RFC 9110 §7.6.3); null where no proxy is to be seen. */
  readonly via: string | null;
  /** Whether the connection ends with this answer, asked when the answer begins. */
  readonly isLast: () => boolean;
}

/** Methods that node:http sends chunked unless it is told that they have no content. */
const METHODS_WITH_CONTENT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Sends a request on and its answer back, both as they come. The head is written anew, so that the target reads what was read here.
 * Rejects when the target does not answer to the end.
 */
export async function exchange(request: IncomingMessage, response: ServerResponse, way: Way): Promise<void> {
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const out = startRequest(request, way);
  out.on('response', resolve).on('error', reject);
  out.on('information', ({ statusCode, rawHeaders }) => {
    if (request.httpVersion !== '1.0' && !response.headersSent)
      response.writeInformation(statusCode, endToEndFields(rawHeaders));
  });
  passBody(request, out);
  out.once('close', () => {
    request.unpipe(out);
    request.resume();
  });
  const answer = await answered;
  const isTargetsLast = !out.shouldKeepAlive && request.complete;
  await passAnswer(answer, response, { via: way.via, isLast: way.isLast() || isTargetsLast });
}

/** Begins a request to the target with the head of another. */
export function startRequest(
  { method = 'GET', rawHeaders }: IncomingMessage,
  { agent, asked, via }: Omit<Way, 'isLast'>,
  besides: readonly string[] = [],
): ClientRequest {
  const fields = ['Host', asked.authority, ...endToEndFields(rawHeaders, ['host']), ...besides];
  if (fieldValues(rawHeaders, 'transfer-encoding').length > 0) fields.push('Transfer-Encoding', 'chunked');
  else if (METHODS_WITH_CONTENT.has(method) && fieldValues(rawHeaders, 'content-length').length === 0)
    fields.push('Content-Length', '0');
  if (via !== null) fields.push('Via', via);
  return send({ agent, method, path: asked.path, headers: fields, maxHeaderSize: MAX_HEAD_SIZE });
}

/** Resolves when the answer has been handed to the kernel; rejects when it breaks off. */
export async function passAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  { isLast, via }: { readonly isLast: boolean; readonly via: string | null },
): Promise<void> {
  const { promise: broken, reject } = Promise.withResolvers<never>();
  answer.once('error', reject);
  const fields = endToEndFields(answer.rawHeaders);
  if (via !== null) fields.push('Via', via);
  response.sendDate = false;
  if (isLast) response.shouldKeepAlive = false;
  response.writeHead(answer.statusCode ?? 0, answer.statusMessage ?? '', fields);
  passBody(answer, response);
  await Promise.race([once(response, 'finish'), broken]);
}

/** Passes on what follows a head: content and trailers. The head goes out with the first of it, or alone when that is not there yet. */
function passBody(source: IncomingMessage, sink: OutgoingMessage): void {
  const { socket } = source;
  source.pipe(sink, { end: false });
  source.once('end', () => {
    // node:http takes a reset for an end then.
    if (!isDelimited(source) && (socket.errored !== null || hasLostWrites(socket))) {
      source.destroy(new Error('it was reset'));
      return;
    }
    const trailers = endToEndFields(source.rawTrailers, ['host', 'content-length']);
    if (trailers.length > 0) sink.addTrailers(pairs(trailers));
    sink.end();
  });
  setImmediate(() => {
    if (!sink.writableEnded) sink.flushHeaders();
  });
}

/** Whether a message says where it ends; one that does not ends with its connection. */
function isDelimited({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

function pairs(fields: readonly string[]): [string, string][] {
  return fields.flatMap((value, i) =>
    i % 2 === 1 ? [[fields[i - 1] ?? '', value] as [string, string]] : [],
  );
}

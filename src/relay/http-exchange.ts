import type { IncomingMessage, OutgoingMessage, ServerResponse } from 'node:http';

import { endToEndFields } from '../wire/http-fields.ts';
import { via } from '../wire/http-forward.ts';
import type { HttpLine, Outgoing } from './http-line.ts';
import { hasLostWrites } from './outlive-writes.ts';
import { AnswerError } from './target.ts';

/** How an answer is passed on. */
interface AnswerOptions {
  readonly line: HttpLine;
  /** Whether a proxy may be seen. */
  readonly asProxy: boolean;
  /** Whether the connection ends with it. */
  readonly isLast: boolean;
}

interface Options {
  readonly line: HttpLine;
  readonly outgoing: Outgoing;
  readonly asProxy: boolean;
  /** Whether the connection ends with this answer, asked when the answer begins. */
  readonly isLast: () => boolean;
}

/**
 * Sends a request on and its answer back, both as they come, until the line is free again, or the answer is whole while the target has not
 * taken the request. Rejects when the target does not answer to the end: with an AnswerError or a StaleLineError when nothing has been
 * passed on.
 */
export async function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  { line, outgoing, asProxy, isLast }: Options,
): Promise<void> {
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const out = line.begin(outgoing);
  out.on('response', resolve).on('error', reject).once('close', close);
  // So ends an answer of 101 that nobody has asked for.
  out.once('close', () => reject(new Error('it ended without an answer')));
  if (request.httpVersion !== '1.0') passInformation(out, response, reject);
  passBody(request, out, line);
  out.once('close', () => {
    request.unpipe(out);
    request.resume();
  });
  const answer = await answered.catch((cause: unknown) => {
    throw line.failure(cause);
  });
  await passAnswer(answer, response, { line, asProxy, isLast: isLast() || !out.shouldKeepAlive });
  line.hasServed = true;
  if (!out.writableFinished) return;
  await closed;
  line.isBusy = false;
}

/** Resolves when the answer has been handed to the kernel; rejects when it breaks off, with an AnswerError when nothing could be passed on. */
export async function passAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  { line, asProxy, isLast }: AnswerOptions,
): Promise<void> {
  const { promise: passed, resolve, reject } = Promise.withResolvers<void>();
  const { statusCode = 0, statusMessage = '', httpVersion, rawHeaders } = answer;
  const fields = endToEndFields(rawHeaders);
  if (asProxy) fields.push('Via', via(httpVersion));
  response.sendDate = asProxy; // RFC 9110 §6.6.1
  if (isLast) response.shouldKeepAlive = false;
  try {
    if (statusCode === 101) throw new Error('it changes the protocol unasked');
    response.writeHead(statusCode, statusMessage, fields);
  } catch (cause) {
    throw new AnswerError(line.upstream.target, cause);
  }
  answer.once('error', reject);
  response.once('finish', resolve).once('error', reject);
  response.once('close', () => reject(new Error('the client is gone')));
  passBody(answer, response, line);
  await passed;
}

/**
 * Passes informational answers on. Those that a client does not take fast enough are dropped, since they have no end: it is the final
 * answer that counts (RFC 9110 §15.2).
 */
function passInformation(
  out: ReturnType<HttpLine['begin']>,
  response: ServerResponse,
  onError: (cause: unknown) => void,
): void {
  let hasContinued = false;
  out.on('information', ({ statusCode, rawHeaders }) => {
    if (response.headersSent || response.socket?.writableNeedDrain !== false) return;
    try {
      if (statusCode !== 100) {
        response.writeInformation(statusCode, endToEndFields(rawHeaders));
      } else if (!hasContinued) {
        hasContinued = true;
        response.writeContinue();
      }
    } catch (cause) {
      onError(cause);
    }
  });
}

/** Passes on what follows a head: content and trailers. The head goes out with the first of it, or alone when that is not there yet. */
function passBody(source: IncomingMessage, sink: OutgoingMessage, line: HttpLine): void {
  const { socket } = source;
  source.pipe(sink, { end: false });
  source.on('data', () => line.count());
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

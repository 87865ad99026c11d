import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import { messageOf } from '../message-of.ts';
import { fieldValues } from '../wire/http-fields.ts';
import { Refusal } from '../wire/refusal.ts';

/** What is made of a client's requests. */
interface Handlers {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /** `head` is what has come behind the request. */
  readonly onUpgrade: (request: IncomingMessage, head: Buffer) => void;
  readonly onConnect: (request: IncomingMessage, head: Buffer) => void;
  /** What cannot be read, or takes too long. */
  readonly onRefusal: (socket: Duplex, refusal: Refusal) => void;
}

/** The greatest head of a request or an answer, in bytes. */
export const MAX_HEAD_SIZE = 64 * 1024;

/** How long a head may take once it has begun, and how often that is looked at, in ms. */
const HEAD_TIMEOUT = 5_000;
const CHECK_INTERVAL = 1_000;
/** Protocols in which a client could name another host, unseen by us (RFC 9113 §3.1, RFC 2817). */
const NAMING_PROTOCOL = /^\s*(h2c?|http|tls)\b/i;

/** Reads the requests in a stream, from now on. */
export type HttpParser = (stream: Duplex) => void;

/** Reads requests with node:http, strictly. */
export function createHttpParser({ onRequest, onUpgrade, onConnect, onRefusal }: Handlers): HttpParser {
  let streams = 0;
  const server = createServer({
    maxHeaderSize: MAX_HEAD_SIZE,
    insecureHTTPParser: false,
    requireHostHeader: false, // for us to say, and log
    keepAliveTimeout: 0,
    requestTimeout: 0,
    headersTimeout: HEAD_TIMEOUT,
    connectionsCheckingInterval: CHECK_INTERVAL,
    shouldUpgradeCallback: mayUpgrade,
  });
  server.maxHeadersCount = 0; // MAX_HEAD_SIZE is the bound
  // A client may close its side and read on.
  Object.assign(server, { httpAllowHalfOpen: true });
  server
    .on('request', onRequest)
    .on('checkContinue', onRequest)
    .on('checkExpectation', onRequest)
    .on('upgrade', (request, _socket, head) => onUpgrade(request, head))
    .on('connect', (request, _socket, head) => onConnect(request, head))
    .on('timeout', () => {}) // else it would end what idles
    .on('clientError', (error, socket) => {
      const refusal = refusalOf(error);
      if (refusal !== null) onRefusal(socket, refusal);
    });

  return (stream) => {
    // It never listens by itself: this event and close() begin and end its looking at the clock.
    if (++streams === 1) server.emit('listening');
    stream.once('close', () => {
      if (--streams === 0) server.close();
    });
    server.emit('connection', stream);
    stream.resume();
  };
}

/** Takes a stream away from the parser: what still comes is dropped. */
export function leaveParser(stream: Duplex): void {
  stream.on('data', () => {}); // until somebody listens, the parser reads from the kernel by itself
  stream.removeAllListeners('data');
}

/** Whether a request may change the protocol; if not, it is answered as if it had not asked. */
function mayUpgrade({ headers, rawHeaders }: IncomingMessage): boolean {
  const names = headers.upgrade?.split(',').some((protocol) => NAMING_PROTOCOL.test(protocol)) === true;
  const hasContent =
    headers['transfer-encoding'] !== undefined ||
    fieldValues(rawHeaders, 'content-length').some((size) => size !== '0');
  return !names && !hasContent;
}

/** null for a socket's own errors. */
function refusalOf(error: NodeJS.ErrnoException): Refusal | null {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Refusal('silent', `no whole request head within ${HEAD_TIMEOUT} ms`);
  if (error.code === 'HPE_HEADER_OVERFLOW')
    return new Refusal('too long', `the request head is longer than ${MAX_HEAD_SIZE} bytes`);
  return error.code?.startsWith('HPE_') === true ? new Refusal('malformed', messageOf(error)) : null;
}

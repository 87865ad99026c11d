import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { request } from 'node:https';
import { isIP, isIPv6 } from 'node:net';
import type { Readable } from 'node:stream';
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls';

import { encodeQuery, type Message, type Query } from '../wire/message.ts';
import { readAnswer } from '../wire/query.ts';

interface Server {
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly name: string | null;
}

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: Readable;
}

/** No DNS message is larger (RFC 8484 §6). */
const MAX_MESSAGE = 65_535;
const MEDIA_TYPE = 'application/dns-message';
const HEADERS = { accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE, 'user-agent': 'sallyport' };
const OK = 200;

/**
 * Sends a query in an HTTPS request to an address (RFC 8484), as `name`, which the certificate is verified against; without a name both
 * are the address. HTTP/2 where the server speaks it, as some speak nothing else; else HTTP/1.1. Rejects with what went wrong on the way, or when the signal
 * aborts.
 *
 * By Node's own modules: undici was three quarters of both programs. Without it a relay takes 2.2 MB less at
 * rest, as Node keeps a program's text, and a healthcheck compiles 121 kB instead of 576.
 */
export async function exchangeOverHttps(server: Server, query: Query, signal: AbortSignal): Promise<Message> {
  const host = server.name ?? server.address;
  const socket = connect({
    host: server.address,
    port: server.port,
    ALPNProtocols: ['h2', 'http/1.1'],
    // SNI names hosts only (RFC 6066 §3); an address is verified all the same.
    ...(isIP(host) === 0 && { servername: host }),
    checkServerIdentity: (_dialled, certificate) => checkServerIdentity(host, certificate),
  });
  const onAbort = () => socket.destroy(signal.reason as Error);
  try {
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort);
    await once(socket, 'secureConnect');
    const authority = `${isIPv6(host) ? `[${host}]` : host}:${server.port}`;
    // An id of 0 lets HTTP caches know a question again; TLS makes guessing it useless.
    const anonymous = { ...query, id: 0 };
    const message = encodeQuery(anonymous);
    const post = socket.alpnProtocol === 'h2' ? postHttp2 : postHttp1;
    return readAnswer(anonymous, await read(await post(socket, { authority, path: server.path, message })));
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.on('error', () => {}).destroy();
  }
}

interface Post {
  readonly authority: string;
  readonly path: string;
  readonly message: Buffer;
}

async function postHttp2(socket: TLSSocket, { authority, path, message }: Post): Promise<Answer> {
  const session: ClientHttp2Session = connectHttp2(`https://${authority}`, {
    createConnection: () => socket,
  });
  const body = session.request({ ':method': 'POST', ':path': path, ...HEADERS });
  session.on('error', (error) => body.destroy(error));
  const [{ ':status': status, 'content-type': type }] = (await once(body.end(message), 'response')) as [
    { ':status'?: number; 'content-type'?: string },
  ];
  return { status, type, body };
}

async function postHttp1(socket: TLSSocket, { authority, path, message }: Post): Promise<Answer> {
  const headers = { ...HEADERS, host: authority };
  const asking = request({ method: 'POST', path, headers, createConnection: () => socket });
  const [body] = (await once(asking.end(message), 'response')) as [IncomingMessage];
  return { status: body.statusCode, type: body.headers['content-type'], body };
}

async function read({ status, type, body }: Answer): Promise<Buffer> {
  if (status !== OK) throw new Error(`HTTP status ${status}`);
  if (type !== MEDIA_TYPE) throw new Error(`content type ${type}`);
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    received += chunk.length;
    if (received > MAX_MESSAGE) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

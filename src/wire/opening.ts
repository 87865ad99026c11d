import { type ClientHello, ClientHelloReader } from './client-hello.ts';
import { refuseAtCheck, TLS_HANDSHAKE } from './other-protocol.ts';
import { readPostgresRequest } from './postgres.ts';
import { Refusal } from './refusal.ts';

/** What a client opens with: a ClientHello, the beginning of an HTTP/1 request, or what a PostgreSQL client asks before its ClientHello. */
export type Opening =
  | { readonly protocol: 'tls'; readonly hello: ClientHello }
  | { readonly protocol: 'http' }
  | { readonly protocol: 'postgres'; readonly asks: 'TLS' | 'GSSAPI' };

/** How HTTP/2's connection preface begins (RFC 9113 §3.4), and no HTTP/1 request does. Refused, as every stream names a host of its own. */
const HTTP2_PREFACE = 'PRI * HTTP/2';
/** A method is a token (RFC 9110 §5.6.2), and empty lines may come before it (RFC 9112 §2.2). */
const REQUEST_START = /^[\r!#$%&'*+.^_`|~0-9A-Za-z-]/;

/** Tells by the first bytes of a connection what is spoken. */
export class OpeningReader {
  /** Once the first byte is that of a record of TLS. */
  #hello: ClientHelloReader | null = null;
  #start = '';

  /** Takes the next bytes; null while more are needed. Throws a Refusal. */
  push(chunk: Buffer): Opening | null {
    if (this.#start === '' && chunk[0] === TLS_HANDSHAKE) this.#hello ??= new ClientHelloReader();
    if (this.#hello !== null) {
      const hello = this.#hello.push(chunk);
      return hello === null ? null : { protocol: 'tls', hello };
    }
    this.#start += chunk.toString('latin1', 0, HTTP2_PREFACE.length);
    const asks = readPostgresRequest(this.#start);
    if (asks === null) return null;
    if (asks === 'nothing')
      throw new Refusal('neither TLS nor HTTP', 'it begins a PostgreSQL session without TLS');
    if (asks !== undefined) return { protocol: 'postgres', asks };
    if (!REQUEST_START.test(this.#start)) throw refuseAtCheck(this.#start.charCodeAt(0));
    if (this.#start.startsWith(HTTP2_PREFACE))
      throw new Refusal('HTTP/2', 'HTTP/2 without TLS cannot be checked');
    return HTTP2_PREFACE.startsWith(this.#start) ? null : { protocol: 'http' };
  }

  free(): void {
    this.#hello?.free();
  }
}

import { fieldValues } from './http-fields.ts';
import { Refusal } from './refusal.ts';

/** The part of a parsed request (node:http's IncomingMessage) that says whom it is for. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
}

/** Whom a request is for. */
export interface RequestTarget {
  readonly name: string;
  /** null where none is written. */
  readonly port: number | null;
  /** What Host is to say. */
  readonly authority: string;
  /** What an origin server is to be asked for (RFC 9112 §3.2.1). */
  readonly path: string;
}

const AUTHORITY = /^(?<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?<port>\d{0,5}))?$/i;
const ABSOLUTE_FORM = /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?<authority>[^/?#]*)(?<path>[^#]*)$/i;

/**
 * Reads whom a request is for: CONNECT's authority, an absolute URI's, else the one Host field (RFC 9112 §3.2). With `asProxy`, a request
 * must name its target as a proxy's client does. Throws a Refusal for what servers could read in more ways than one, or what cannot be
 * passed on.
 */
export function readRequest(
  { method = '', url = '', httpVersion, rawHeaders }: RequestHead,
  { asProxy }: { readonly asProxy: boolean },
): RequestTarget {
  if (httpVersion !== '1.0' && httpVersion !== '1.1')
    throw new Refusal('unsupported', `HTTP/${httpVersion} is not supported`);
  const hosts = fieldValues(rawHeaders, 'host');
  if (hosts.length > 1) throw new Refusal('several names', 'there is more than one Host field', hosts[0]);
  checkFraming(method, rawHeaders, httpVersion);

  if (method === 'CONNECT') {
    const target = { ...readAuthority(url, url), path: url };
    if (target.port === null) throw new Refusal('malformed', 'CONNECT takes host:port', url);
    return target;
  }
  const { scheme, authority, path } = ABSOLUTE_FORM.exec(url)?.groups ?? {};
  if (scheme !== undefined && authority !== undefined) {
    if (scheme.toLowerCase() !== 'http')
      throw new Refusal('unsupported', `${scheme}:// goes through CONNECT only`, authority);
    return { ...readAuthority(authority, authority), path: originForm(path ?? '', method) };
  }
  if (asProxy)
    throw new Refusal('no proxy request', 'this is a proxy: CONNECT host:port, or an absolute http:// URI');
  if (!url.startsWith('/') && !(url === '*' && method === 'OPTIONS'))
    throw new Refusal('malformed', 'that is no request target');
  const [host] = hosts;
  if (host === undefined || host === '') throw new Refusal('no name', 'there is no Host field');
  return { ...readAuthority(host, host), path: url };
}

function readAuthority(authority: string, asked: string): Omit<RequestTarget, 'path'> {
  const { host, port } = AUTHORITY.exec(authority)?.groups ?? {};
  if (host === undefined) throw new Refusal('malformed', 'that is no host', asked);
  return {
    name: host.replace(/^\[(.*)\]$/, '$1'),
    port: port === undefined || port === '' ? null : Number(port),
    authority,
  };
}

/** OPTIONS for a whole server has no path in absolute-form, and `*` otherwise (RFC 9112 §3.2.4). */
function originForm(path: string, method: string): string {
  if (path === '' && method === 'OPTIONS') return '*';
  return path.startsWith('/') ? path : `/${path}`;
}

/** What node:http lets pass, but leaves to the application (RFC 9112 §6.1, RFC 9110 §9.3.6 and §10.1.1). */
function checkFraming(method: string, rawHeaders: readonly string[], httpVersion: string): void {
  const codings = fieldValues(rawHeaders, 'transfer-encoding');
  if (codings.length > 0 && httpVersion === '1.0')
    throw new Refusal('malformed', 'HTTP/1.0 has no Transfer-Encoding');
  if (codings.length > 1 || !['chunked', undefined].includes(codings[0]?.toLowerCase()))
    throw new Refusal('unsupported', 'no Transfer-Encoding is supported but chunked');
  const sizes = fieldValues(rawHeaders, 'content-length');
  if (sizes.some((size) => /^0\d/.test(size)))
    throw new Refusal('malformed', 'Content-Length begins with 0, which some take for octal');
  const hasContent = codings.length > 0 || sizes.some((size) => size !== '0');
  if (method === 'CONNECT' && hasContent) throw new Refusal('malformed', 'CONNECT has no content');
  const expectations = fieldValues(rawHeaders, 'expect');
  if (expectations.length > 1 || !['100-continue', undefined].includes(expectations[0]?.toLowerCase()))
    throw new Refusal('unsupported', 'no Expect is supported but 100-continue');
}

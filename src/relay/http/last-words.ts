import { DeadlineError } from '../../lib/deadline.ts';
import { messageOf } from '../../lib/message-of.ts';
import { ResolveError } from '../../lib/resolve-error.ts';
import { Refusal, type Rule } from '../../wire/refusal.ts';
import { DialError } from '../target.ts';

const FORBIDDEN = 403;
const BAD_REQUEST = 400;
const BAD_GATEWAY = 502;
const GATEWAY_TIMEOUT = 504;

const STATUS: Readonly<Record<Rule, number>> = {
  'not in TARGET': FORBIDDEN,
  'not in PORT': FORBIDDEN,
  'not the CONNECT host': FORBIDDEN,
  'not the name dialled': FORBIDDEN,
  'no proxy request': FORBIDDEN,
  'encrypted name': FORBIDDEN,
  'no name': BAD_REQUEST,
  'several names': BAD_REQUEST,
  malformed: BAD_REQUEST,
  'neither TLS nor HTTP': BAD_REQUEST,
  silent: 408,
  'too many clients': 503,
  'too long': 431,
  unsupported: 501,
  'HTTP version': 505,
  'HTTP/2': 505,
};
/** Of a reason phrase, as some clients read little of a line; in characters. */
const MAX_PHRASE = 200;

/**
 * The answer to a request that cannot be served, after which the connection is closed. Proxy-Status (RFC 9209) tells it from the target's. The
 * reason phrase says why as well: of a CONNECT that fails, many clients show nothing else.
 */
export function lastWords(cause: unknown): Buffer {
  const [status, error] = statusOf(cause);
  const text = messageOf(cause);
  const lines = [
    `HTTP/1.1 ${status} ${printable(text).slice(0, MAX_PHRASE)}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text) + 1}`,
    `Proxy-Status: sallyport; error=${error}; details=${quoted(text)}`,
    'Connection: close',
    '',
    `${text}\n`,
  ];
  return Buffer.from(lines.join('\r\n'));
}

/** Visible ASCII and spaces, which a reason phrase (RFC 9112 §4) and a string of RFC 9651 §3.3.3 may hold. */
function printable(text: string): string {
  return text.replaceAll(/[^ -~]+/g, '?');
}

/** A string of RFC 9651 §3.3.3. */
function quoted(text: string): string {
  return `"${printable(text).replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** With the kind of error (RFC 9209 §2.3). */
function statusOf(cause: unknown): readonly [status: number, error: string] {
  if (cause instanceof Refusal) {
    const status = STATUS[cause.rule];
    return [status, status === FORBIDDEN ? 'http_request_denied' : 'http_request_error'];
  }
  if (!(cause instanceof DialError)) return [BAD_GATEWAY, 'http_response_incomplete'];
  if (cause.cause instanceof ResolveError)
    return cause.cause.isFinal ? [BAD_GATEWAY, 'dns_error'] : [GATEWAY_TIMEOUT, 'dns_timeout'];
  if (cause.cause instanceof DeadlineError) return [GATEWAY_TIMEOUT, 'connection_timeout'];
  return [BAD_GATEWAY, 'destination_unavailable'];
}

import { DeadlineError } from '../deadline.ts';
import { messageOf } from '../message-of.ts';
import { ResolveError } from '../resolve-error.ts';
import { Refusal, type Rule } from '../wire/refusal.ts';
import { DialError } from './target.ts';

type Status = readonly [status: number, reason: string];
const FORBIDDEN: Status = [403, 'Forbidden'];
const BAD_REQUEST: Status = [400, 'Bad Request'];
const BAD_GATEWAY: Status = [502, 'Bad Gateway'];
const GATEWAY_TIMEOUT: Status = [504, 'Gateway Timeout'];

const STATUS: Readonly<Record<Rule, Status>> = {
  'not in TARGET': FORBIDDEN,
  'not in PORT': FORBIDDEN,
  'not the CONNECT host': FORBIDDEN,
  'no proxy request': FORBIDDEN,
  'encrypted name': FORBIDDEN,
  'no name': BAD_REQUEST,
  'several names': BAD_REQUEST,
  malformed: BAD_REQUEST,
  'neither TLS nor HTTP': BAD_REQUEST,
  silent: [408, 'Request Timeout'],
  'too many clients': [503, 'Service Unavailable'],
  'too long': [431, 'Request Header Fields Too Large'],
  unsupported: [501, 'Not Implemented'],
  'HTTP version': [505, 'HTTP Version Not Supported'],
  'HTTP/2': [505, 'HTTP Version Not Supported'],
};

/** The answer to a request that cannot be served, after which the connection is closed. Proxy-Status (RFC 9209) tells it from the target's. */
export function lastWords(cause: unknown): Buffer {
  const [[status, reason], error] = statusOf(cause);
  const text = messageOf(cause);
  const lines = [
    `HTTP/1.1 ${status} ${reason}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text) + 1}`,
    `Proxy-Status: sallyport; error=${error}; details=${quoted(text)}`,
    'Connection: close',
    '',
    `${text}\n`,
  ];
  return Buffer.from(lines.join('\r\n'));
}

/** A string of RFC 9651 §3.3.3: visible ASCII and spaces. */
function quoted(text: string): string {
  return `"${text.replaceAll(/[^ -~]+/g, '?').replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** With the kind of error (RFC 9209 §2.3). */
function statusOf(cause: unknown): readonly [Status, string] {
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

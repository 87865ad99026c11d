import { DeadlineError } from '../deadline.ts';
import { messageOf } from '../message-of.ts';
import { httpAnswer } from '../wire/http-answer.ts';
import { Refusal, type Rule } from '../wire/refusal.ts';
import { DialError } from './target.ts';

type Status = readonly [status: number, reason: string];
const FORBIDDEN: Status = [403, 'Forbidden'];
const BAD_REQUEST: Status = [400, 'Bad Request'];
const BAD_GATEWAY: Status = [502, 'Bad Gateway'];

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
  'too long': [431, 'Request Header Fields Too Large'],
  unsupported: [501, 'Not Implemented'],
  'HTTP version': [505, 'HTTP Version Not Supported'],
  'HTTP/2': [505, 'HTTP Version Not Supported'],
};

/** What a client is told before its connection ends, when its request could not be served. */
export function lastWords(cause: unknown): Buffer {
  const [[status, reason], error] = statusOf(cause);
  return Buffer.from(httpAnswer({ status, reason, error, text: messageOf(cause) }));
}

/** With the kind of error (RFC 9209 §2.3). */
function statusOf(cause: unknown): readonly [Status, string] {
  if (cause instanceof Refusal) {
    const status = STATUS[cause.rule];
    return [status, status === FORBIDDEN ? 'http_request_denied' : 'http_request_error'];
  }
  if (!(cause instanceof DialError)) return [BAD_GATEWAY, 'http_response_incomplete'];
  if (cause.cause instanceof DeadlineError) return [[504, 'Gateway Timeout'], 'connection_timeout'];
  return [BAD_GATEWAY, 'destination_unavailable'];
}

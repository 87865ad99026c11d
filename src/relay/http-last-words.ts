import { DeadlineError } from '../deadline.ts';
import { messageOf } from '../message-of.ts';
import { httpAnswer } from '../wire/http-answer.ts';
import { Refusal, type Rule } from '../wire/refusal.ts';
import { StaleLineError } from './http-line.ts';
import { AnswerError, DialError } from './target.ts';

const STATUS: Readonly<Record<Rule, number>> = {
  'not in TARGET': 403,
  'not in PORT': 403,
  'not the CONNECT host': 403,
  'no proxy request': 403,
  'encrypted name': 403,
  'no name': 400,
  'several names': 400,
  malformed: 400,
  'neither TLS nor HTTP': 400,
  silent: 408,
  'too long': 431,
  unsupported: 501,
  'HTTP/2': 505,
};

/**
 * What a client is told before its connection ends, when its request could not be served; '' where the end says it all. null for what it
 * could not be told of: there a reset is the truth.
 */
export function lastWords(cause: unknown): string | null {
  const text = messageOf(cause);
  if (cause instanceof Refusal) {
    const status = STATUS[cause.rule];
    return httpAnswer({
      status,
      text,
      error: status === 403 ? 'http_request_denied' : 'http_request_error',
    });
  }
  if (cause instanceof DialError && cause.cause instanceof DeadlineError)
    return httpAnswer({ status: 504, text, error: 'connection_timeout' });
  if (cause instanceof DialError) return httpAnswer({ status: 502, text, error: 'destination_unavailable' });
  if (cause instanceof AnswerError)
    return httpAnswer({ status: 502, text, error: 'http_response_incomplete' });
  return cause instanceof StaleLineError ? '' : null;
}

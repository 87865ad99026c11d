import { endToEndFields, fieldValues } from './http-fields.ts';
import type { RequestHead, RequestTarget } from './http-request.ts';
import { Refusal } from './refusal.ts';

interface Options {
  readonly asked: RequestTarget;
  /** Whether a proxy may be seen; if not, it leaves no trace. */
  readonly asProxy: boolean;
  /** Fields for the next hop alone. */
  readonly hop: readonly string[];
}

/** Methods that node:http sends without content unless it is told of some; all others it sends chunked unless it is told that they have none. */
const METHODS_WITHOUT_CONTENT: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
]);

/**
 * The fields, names and values in turn, with which a request is sent on. Throws a Refusal when it may go no further (Max-Forwards, RFC 9110
 * §7.6.2).
 */
export function forwardedFields(
  { method = 'GET', httpVersion, rawHeaders }: RequestHead,
  { asked, asProxy, hop }: Options,
): string[] {
  const fields = ['Host', asked.authority, ...endToEndFields(rawHeaders, ['host'])];
  if (fieldValues(rawHeaders, 'transfer-encoding').length > 0) fields.push('Transfer-Encoding', 'chunked');
  else if (!METHODS_WITHOUT_CONTENT.has(method) && fieldValues(rawHeaders, 'content-length').length === 0)
    fields.push('Content-Length', '0');
  const sent = asProxy ? [...countedDown(method, fields), 'Via', via(httpVersion)] : fields;
  return [...sent, ...hop];
}

/** Via's value for a message that came in this version of HTTP (RFC 9110 §7.6.3). */
export function via(httpVersion: string): string {
  return `${httpVersion} sallyport`;
}

/** Max-Forwards, one less; other methods than these ignore it. */
function countedDown(method: string, fields: readonly string[]): readonly string[] {
  if (method !== 'TRACE' && method !== 'OPTIONS') return fields;
  return fields.map((value, i) => {
    const isCount = i % 2 === 1 && fields[i - 1]?.toLowerCase() === 'max-forwards' && /^\d+$/.test(value);
    if (!isCount) return value;
    if (Number(value) === 0)
      throw new Refusal('unsupported', `Max-Forwards is 0, and this proxy itself has no ${method}`);
    return String(BigInt(value) - 1n);
  });
}

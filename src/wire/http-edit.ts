import { listItems, splitList } from './http-syntax.ts';
import { Refusal } from './refusal.ts';

/** What is changed in the head of a request, and nothing else. */
export interface Edits {
  /** It is the last on its connection to the target, which is told so. */
  readonly isLast: boolean;
  /** It asks for no other protocol. */
  readonly withoutUpgrade: boolean;
  /** A proxy passes it on (RFC 9112 §3.2.2, RFC 9110 §7.6). */
  readonly asProxy: boolean;
}

const CONNECTION = /\r\nconnection:([^\r]*)/gi;
const ABSOLUTE_LINE = /^([^ ]+) http:\/\/([^/? ]*)([^ ]*) HTTP\/([^\r]+)/i;
const MAX_FORWARDS = /(\r\nmax-forwards:[\t ]*)(\d{1,15})(?=[\t ]*\r)/gi;

/** The head with these edits. Throws a Refusal when it may go no further: to answer TRACE or OPTIONS with Max-Forwards 0 is the proxy's (RFC 9110 §7.6.2). */
export function editHead(head: string, { isLast, withoutUpgrade, asProxy }: Edits): string {
  const options = [...head.matchAll(CONNECTION)].flatMap(([, value = '']) => listItems(value));
  const dropped = [
    ...(asProxy ? options.filter((option) => option !== 'upgrade') : []),
    ...(withoutUpgrade ? ['upgrade', 'http2-settings'] : []),
    ...(isLast ? ['keep-alive'] : []),
  ];
  const names = [...dropped, ...(asProxy ? ['proxy-connection', 'proxy-authorization'] : [])];
  const kept = withoutFields(head, names).replaceAll(CONNECTION, (line: string, value: string) =>
    withoutOptions(line, value, isLast ? [...dropped, 'close'] : dropped),
  );
  const edited = asProxy ? proxied(kept) : kept;
  // First, as some servers compare the first Connection field alone, and all of it.
  return isLast ? edited.replace('\r\n', '\r\nConnection: close\r\n') : edited;
}

function withoutFields(head: string, names: readonly string[]): string {
  const set = new Set(names);
  const [line = '', ...fields] = head.split(/(?=\r\n)/);
  return [line, ...fields.filter((field) => !set.has(field.slice(2, field.indexOf(':')).toLowerCase()))].join(
    '',
  );
}

/** A Connection field with the options that are left, if any. */
function withoutOptions(field: string, value: string, dropped: readonly string[]): string {
  const options = splitList(value);
  const kept = options.filter((option) => !dropped.includes(option.toLowerCase()));
  if (kept.length === options.length) return field;
  return kept.length === 0 ? '' : `${field.slice(0, field.indexOf(':'))}: ${kept.join(', ')}`;
}

/** In origin-form, or `*` (RFC 9112 §3.2.4), with the Host of its URI, and one more in Via. */
function proxied(head: string): string {
  const match = ABSOLUTE_LINE.exec(head);
  if (match === null) throw new Error('the request target is no http:// URI');
  const [line, method = '', authority = '', rest = '', version = ''] = match;
  const target = rest === '' && method === 'OPTIONS' ? '*' : rest.replace(/^(?!\/)/, '/');
  const fields = head.slice(line.length);
  const host = `\r\nHost: ${authority}`;
  const named = /\r\nhost:/i.test(fields) ? fields.replace(/\r\nhost:[^\r]*/i, () => host) : host + fields;
  const counted = method === 'OPTIONS' || method === 'TRACE' ? countedDown(named, method) : named;
  return `${method} ${target} HTTP/${version}${counted.replace(/\r\n\r\n$/, `\r\nVia: ${version} sallyport\r\n\r\n`)}`;
}

function countedDown(fields: string, method: string): string {
  return fields.replaceAll(MAX_FORWARDS, (_, start: string, count: string) => {
    if (Number(count) > 0) return `${start}${Number(count) - 1}`;
    throw new Refusal('unsupported', `Max-Forwards is 0, and this proxy itself has no ${method}`);
  });
}

import { listItems, withoutSpace } from './http-syntax.ts';
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

const ABSOLUTE = /^http:\/\/([^/?]*)(.*)$/i;
const UPGRADE = ['upgrade', 'http2-settings'];
const FOR_PROXIES = ['proxy-connection', 'proxy-authorization'];

/** The head with these edits. Throws a Refusal when it may go no further (Max-Forwards, RFC 9110 §7.6.2). */
export function editHead(head: string, { isLast, withoutUpgrade, asProxy }: Edits): string {
  const [requestLine = '', ...lines] = head.split('\r\n').slice(0, -2);
  const fields = lines.map((line) => ({ line, name: nameOf(line), value: valueOf(line) }));
  const options = fields.filter(({ name }) => name === 'connection').flatMap(({ value }) => listItems(value));

  const ofHop = asProxy ? options.filter((option) => option !== 'upgrade') : [];
  const upgrade = withoutUpgrade ? UPGRADE : [];
  const persistence = isLast ? ['keep-alive'] : [];
  const droppedOptions = new Set([...ofHop, ...upgrade, ...persistence, ...(isLast ? ['close'] : [])]);
  const droppedNames = new Set([...ofHop, ...upgrade, ...persistence, ...(asProxy ? FOR_PROXIES : [])]);

  const kept = fields.flatMap(({ line, name, value }) => {
    if (name === 'connection') return keepOptions(line, value, droppedOptions);
    return droppedNames.has(name) ? [] : [line];
  });
  const edited = asProxy ? proxied(requestLine, kept) : [requestLine, ...kept];
  // First, as some servers compare the first Connection field alone, and all of it.
  if (isLast) edited.splice(1, 0, 'Connection: close');
  return [...edited, '', ''].join('\r\n');
}

/** A Connection field with the options that are not dropped, if any is left. */
function keepOptions(line: string, value: string, dropped: ReadonlySet<string>): readonly string[] {
  const options = value.split(',').map(withoutSpace).filter(Boolean);
  const kept = options.filter((option) => !dropped.has(option.toLowerCase()));
  if (kept.length === options.length) return [line];
  return kept.length === 0 ? [] : [`${line.slice(0, line.indexOf(':'))}: ${kept.join(', ')}`];
}

/** The request line in origin-form, or `*` (RFC 9112 §3.2.4), with the Host of its URI, and one more in Via. */
function proxied(requestLine: string, fields: readonly string[]): string[] {
  const [method = '', uri = '', version = ''] = requestLine.split(' ');
  const [, authority = '', rest = ''] = ABSOLUTE.exec(uri) ?? [];
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  const target = rest === '' && method === 'OPTIONS' ? '*' : path;
  const host = `Host: ${authority}`;
  const isHost = (line: string) => nameOf(line) === 'host';
  return [
    `${method} ${target} ${version}`,
    ...(fields.some(isHost) ? [] : [host]),
    ...fields.map((line) => (isHost(line) ? host : countedDown(method, line))),
    `Via: ${version.slice('HTTP/'.length)} sallyport`,
  ];
}

/** Max-Forwards, one less; other methods than these ignore it (RFC 9110 §7.6.2). */
function countedDown(method: string, line: string): string {
  if (method !== 'TRACE' && method !== 'OPTIONS') return line;
  const count = valueOf(line);
  if (nameOf(line) !== 'max-forwards' || !/^\d{1,15}$/.test(count)) return line;
  if (Number(count) === 0)
    throw new Refusal('unsupported', `Max-Forwards is 0, and this proxy itself has no ${method}`);
  return `${line.slice(0, line.indexOf(':'))}: ${Number(count) - 1}`;
}

function nameOf(line: string): string {
  return line.slice(0, line.indexOf(':')).toLowerCase();
}

function valueOf(line: string): string {
  return withoutSpace(line.slice(line.indexOf(':') + 1));
}

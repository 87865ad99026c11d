import type { Authority } from '../../src/wire/http-authority.ts';
import { editHead } from '../../src/wire/http-edit.ts';
import { RequestReader } from '../../src/wire/http-request-reader.ts';
import { Refusal } from '../../src/wire/refusal.ts';

/** A request that the reader takes, all texts as latin1. */
export interface PassedRequest {
  readonly method: string;
  /** The name and port that the reader reads, as `sameHost` writes them. */
  readonly host: string;
  /** As it came, and as it is sent to the target. */
  readonly head: string;
  readonly sent: string;
  /** Where its content begins in all that the client sends. */
  readonly contentAt: number;
  /** What is passed on of its content, as it came; all of it if `isWhole`. */
  content: string;
  isWhole: boolean;
  readonly hasContent: boolean;
}

/** What the relay passes on of all that a client sends. */
export interface Passed {
  readonly requests: readonly PassedRequest[];
  /** Where what is sent within a tunnel begins that a proxy opens; null where it opens none. */
  readonly tunnelAt: number | null;
  /** Why it passes on no more; null where the client has ended, or was told to. */
  readonly refusal: Refusal | null;
}

interface Options {
  readonly asProxy: boolean;
  /** Whether a request for this host, as `sameHost` writes it, is let through. */
  readonly allows?: (host: string, method: string) => boolean;
}

/** Passes a client's bytes through the reader, as src/relay/http/client.ts does. */
export function passOn(pieces: readonly Buffer[], { asProxy, allows = () => true }: Options): Passed {
  const reader = new RequestReader({ asProxy });
  const requests: PassedRequest[] = [];
  let before = 0;
  let tunnelAt: number | null = null;
  let isEnding = false;

  const takeHead = (contentAt: number) => {
    const { method, authority, hasContent, upgrade, bytes, start, end, persists } = reader;
    const host = sameHost(textOf(authority));
    if (!allows(host, method)) throw new Refusal('not in TARGET', `${host} is not in TARGET`);
    if (asProxy && method === 'CONNECT') {
      tunnelAt = contentAt;
      return;
    }
    const head = bytes.toString('latin1', start, end);
    const edits = { isLast: hasContent, withoutUpgrade: upgrade === 'hidden', asProxy };
    const isEdited = asProxy || hasContent || edits.withoutUpgrade;
    requests.push({
      method,
      host,
      head,
      sent: isEdited ? editHead(head, edits) : head,
      contentAt,
      content: '',
      isWhole: reader.isBetween,
      hasContent,
    });
    isEnding = !persists;
  };

  try {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length;) {
        if (reader.isBetween && (isEnding || tunnelAt !== null)) return { requests, tunnelAt, refusal: null };
        const start = at;
        if (reader.isBetween) {
          at = reader.readHead(piece, at, piece.length);
          if (reader.hasHead) takeHead(before + at);
        } else {
          at = reader.readContent(piece, at, piece.length);
          const request = requests.at(-1) as PassedRequest;
          request.content += piece.toString('latin1', start, at);
          request.isWhole = reader.isBetween;
        }
        if (at <= start || at > piece.length) throw new Error(`from ${start} the reader went to ${at}`);
      }
      before += piece.length;
    }
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    return { requests, tunnelAt, refusal: cause };
  }
  return { requests, tunnelAt, refusal: null };
}

/** As `passOn`, with as much of content that is refused in the end as gets through where it comes byte by byte. */
export function passOnMost(bytes: Buffer, options: Options): Passed {
  const passed = passOn([bytes], options);
  const last = passed.requests.at(-1);
  if (passed.refusal === null || last === undefined || last.isWhole) return passed;
  const single = Array.from(bytes.subarray(last.contentAt), (byte) => Buffer.of(byte));
  return passOn([bytes.subarray(0, last.contentAt), ...single], options);
}

/** Requests by the connection on which they go; some are the last on theirs. */
export function byConnection(
  requests: readonly PassedRequest[],
  isLast: (request: PassedRequest) => boolean,
): readonly (readonly PassedRequest[])[] {
  const connections: PassedRequest[][] = [];
  let isSpent = true;
  for (const request of requests) {
    if (isSpent) connections.push([request]);
    else connections.at(-1)?.push(request);
    isSpent = isLast(request);
  }
  return connections;
}

/** The bytes of requests on one connection; behind CONNECT and Upgrade a new piece begins, as the relay sends no more before they are answered. */
export function flights(requests: readonly PassedRequest[], which: 'head' | 'sent'): readonly string[] {
  const texts = [''];
  for (const request of requests) {
    texts[texts.length - 1] += request[which] + request.content;
    if (request.method === 'CONNECT' || /^upgrade:/im.test(request[which])) texts.push('');
  }
  return texts.filter(Boolean);
}

/** The content of a request without its chunks; what came of it, where it is not whole. */
export function contentOf({ head, content }: PassedRequest): string {
  if (!/^transfer-encoding:/im.test(head)) return content;
  let text = '';
  for (let at = 0; at < content.length;) {
    const lineEnd = content.indexOf('\n', at);
    const size = Number.parseInt(content.slice(at, lineEnd), 16);
    if (lineEnd === -1 || size === 0) break;
    text += content.slice(lineEnd + 1, lineEnd + 1 + size);
    at = lineEnd + 1 + size + '\r\n'.length;
  }
  return text;
}

/** A host and port so that those which are the same are written alike: in small letters, without the root's dot and without http's port. */
export function sameHost(text: string): string {
  const [, name = '', port = '80'] = /^(.*?)(?::(\d*))?$/s.exec(text) ?? [];
  const number = port === '' ? 80 : Number(port);
  return name.toLowerCase().replace(/\.$/, '') + (number === 80 ? '' : `:${number}`);
}

function textOf({ name, port }: Authority): string {
  const host = name.includes(':') ? `[${name}]` : name;
  return port === null ? host : `${host}:${port}`;
}

/** A host without its port. */
export function nameOf(host: string): string {
  return host.replace(/:\d+$/, '');
}

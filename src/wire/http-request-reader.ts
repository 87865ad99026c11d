import { type Authority, HTTP_PORT, isSameHost, nameIn, parseAuthority } from './http-authority.ts';
import { type Cut, hasBareLf, MAX_HEAD, MessageReader } from './http-message.ts';
import {
  eachNotable,
  isFieldLine,
  isRequestStart,
  isSection,
  listItems,
  REQUEST_LINE,
} from './http-syntax.ts';
import { refuseAtProxy } from './other-protocol.ts';
import { Refusal } from './refusal.ts';

/** How many fields a head may have, and how many empty lines may come before it (RFC 9112 §2.2). */
const MAX_FIELDS = 1_000;
const MAX_EMPTY_LINES = 4;
/** The shortest field line. */
const MIN_FIELD = 'a:\r\n'.length;
/** How long the values that are looked into may be, taken together, in bytes. */
const MAX_VALUES = 4_096;
/** What Connection may not name: without it, a request has no host, no end, or another one (RFC 9110 §7.6.1). */
const NOT_OF_HOP = new Set(['host', 'content-length', 'transfer-encoding', 'trailer', 'expect']);
/** Protocols in which a client could name another host, unseen by us (RFC 9113 §3.1, RFC 2817). */
const NAMING_PROTOCOL = /^(h2c?|http|tls)\b/;
const ABSOLUTE_FORM = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)[^#]*$/i;
const VERSION = /^HTTP\/(?:1\.([01])|\d\.\d)$/;
const FRAMING = /^(host|contentlength|transferencoding)$/;
const [CR, LF] = [0x0d, 0x0a];

/** Whether a list of protocols (RFC 9110 §7.8) has one in which names are out of sight. */
export function hidesNames(protocols: string): boolean {
  return listItems(protocols).some((protocol) => NAMING_PROTOCOL.test(protocol));
}

/**
 * Reads requests (RFC 9112 §3), and takes those alone that all servers read alike. With `asProxy`, a request must name its target as a proxy's client
 * does. What it tells of a head holds until the next one is read.
 */
export class RequestReader extends MessageReader {
  method = '';
  /** Whom it is for. */
  authority: Authority = { name: '', port: null };
  hasContent = false;
  /** Whether the connection persists behind it, as far as the client has a say (RFC 9112 §9.3). */
  persists = true;
  /** Whether it has an Upgrade field, and if so whether that may lead to a protocol in which names are out of sight, or is HTTP/1.0's, which means nothing. */
  upgrade: 'none' | 'asked' | 'hidden' | 'void' = 'none';
  readonly #asProxy: boolean;
  #emptyLines = 0;
  #isAfterCr = false;
  #host: string | null = null;
  #length: number | null = null;
  #coding: string | null = null;
  #expectation: string | null = null;
  #options: readonly string[] = [];
  #valuesLength = 0;
  /** The last Host that has been made sense of, as it is mostly the same again. */
  #known: { readonly text: string; readonly authority: Authority } | null = null;

  constructor({ asProxy }: { readonly asProxy: boolean }) {
    super({ isStrict: true });
    this.#asProxy = asProxy;
  }

  override readHead(bytes: Buffer, at: number, end: number): number {
    if (this.begun > 0) return super.readHead(bytes, at, end);
    const start = this.#skipEmptyLines(bytes, at, end);
    if (start < end) {
      const refusal = this.#asProxy ? refuseAtProxy(bytes[start] ?? 0) : null;
      if (refusal !== null) throw refusal;
      return super.readHead(bytes, start, end);
    }
    this.letGo();
    return end;
  }

  #skipEmptyLines(bytes: Buffer, at: number, end: number): number {
    for (let i = at; i < end; i++) {
      if (!this.#isAfterCr && bytes[i] !== CR) return i;
      if (this.#isAfterCr && bytes[i] !== LF) throw malformed('CR without LF before a request');
      if (!this.#isAfterCr && ++this.#emptyLines > MAX_EMPTY_LINES)
        throw malformed('too many empty lines before a request');
      this.#isAfterCr = !this.#isAfterCr;
    }
    return end;
  }

  protected judgeCut({ start, fresh, size }: Cut): void {
    if (size > MAX_HEAD) throw tooLong();
    if (hasBareLf(fresh)) throw malformed('LF without CR in a request head');
    if (!isRequestStart(start)) throw malformed('it begins with no method');
  }

  protected take(head: string): void {
    if (head.length > MAX_HEAD) throw tooLong();
    this.#emptyLines = 0;
    this.#host = this.#length = this.#coding = this.#expectation = null;
    this.#options = [];
    this.#valuesLength = 0;
    this.upgrade = 'none';

    const lineEnd = head.indexOf('\r\n');
    const [, method, target] = REQUEST_LINE.exec(head) ?? [];
    if (method === undefined || target === undefined)
      throw malformed('line 1 is not method, target and version with a space between');
    const version = head.slice(method.length + target.length + 2, lineEnd);
    const [isVersion, minor] = VERSION.exec(version) ?? [];
    if (isVersion === undefined) throw malformed('line 1 does not end with HTTP/1.1 and CRLF');
    if (minor === undefined) throw new Refusal('HTTP version', `${version} is not supported`);
    const fields = lineEnd + 2;
    if (!isSection(head, fields)) throw malformed(firstFault(head.slice(fields)));
    if (head.length > MAX_FIELDS * MIN_FIELD && head.split('\n').length > MAX_FIELDS + 3)
      throw new Refusal('too long', `there are more than ${MAX_FIELDS} fields`);
    eachNotable(head, fields, (name, value) => this.#takeField(name, value));

    this.method = method;
    this.#judge(target, Number(minor) as 0 | 1);
  }

  #takeField(name: string, value: string): void {
    switch (name) {
      case 'host':
        if (this.#host !== null)
          throw new Refusal('several names', 'there is more than one Host field', nameIn(this.#host));
        this.#host = this.#exact(name, value);
        return;
      case 'content-length':
        if (this.#length !== null) throw malformed('there is more than one Content-Length');
        this.#length = Number(this.#exact(name, value));
        if (!/^ ?(?:0|[1-9]\d{0,15})$/.test(value) || this.#length > Number.MAX_SAFE_INTEGER)
          throw malformed('Content-Length is no number, or begins with 0, which some take for octal');
        return;
      case 'transfer-encoding':
        if (this.#coding !== null) throw malformed('there is more than one Transfer-Encoding');
        this.#coding = this.#exact(name, value).toLowerCase();
        return;
      case 'connection':
        this.#options = [...this.#options, ...listItems(this.#exact(name, value))];
        return;
      case 'upgrade':
        if (this.upgrade !== 'hidden')
          this.upgrade = hidesNames(this.#exact(name, value)) ? 'hidden' : 'asked';
        return;
      case 'expect':
        if (this.#expectation !== null) throw malformed('there is more than one Expect');
        this.#expectation = this.#exact(name, value).toLowerCase();
        return;
      default:
        if (FRAMING.test(name.replaceAll(/[^a-z]/g, '')))
          throw malformed(`${name} is a field that some servers take for another`);
    }
  }

  /** A value that servers must read alike: at most one space before it, and nothing behind. */
  #exact(name: string, value: string): string {
    this.#valuesLength += value.length;
    if (this.#valuesLength > MAX_VALUES)
      throw new Refusal('too long', `${name} and the like are longer than ${MAX_VALUES} bytes`);
    const exact = value.startsWith(' ') ? value.slice(1) : value;
    if (/^[\t ]|[\t ]$/.test(exact)) throw malformed(`there is white space around the value of ${name}`);
    return exact;
  }

  /** What follows from all of a head. */
  #judge(target: string, minorVersion: 0 | 1): void {
    this.#judgeCoding(minorVersion);
    if (![null, '100-continue'].includes(this.#expectation))
      throw new Refusal('unsupported', 'no Expect is supported but 100-continue');
    const wrong = this.#options.find((option) => NOT_OF_HOP.has(option));
    if (wrong !== undefined) throw malformed(`Connection names ${wrong}`);
    this.hasContent = this.#coding !== null || (this.#length ?? 0) > 0;
    if (this.hasContent && this.method === 'CONNECT') throw malformed('CONNECT has no content');
    // Of CONNECT, a proxy passes nothing on.
    const needsHost = minorVersion === 1 && !(this.#asProxy && this.method === 'CONNECT');
    if (needsHost && this.#host === null) throw new Refusal('no name', 'there is no Host field');
    this.authority = this.#authorityOf(target);
    // A proxy keeps no connection of HTTP/1.0 (RFC 9112 §9.3).
    const isKept = minorVersion === 1 || (!this.#asProxy && this.#options.includes('keep-alive'));
    this.persists = isKept && !this.#options.includes('close');
    if (minorVersion === 0 && this.upgrade === 'asked') this.upgrade = 'void';
    this.beginContent(this.#coding === null ? (this.#length ?? 0) : 'chunked');
  }

  #judgeCoding(minorVersion: 0 | 1): void {
    const coding = this.#coding;
    if (coding === null) return;
    if (/^(?!.*chunked.*chunked).*,[\t ]*chunked$/.test(coding))
      throw new Refusal('unsupported', 'no Transfer-Encoding is supported but chunked');
    if (coding !== 'chunked') throw malformed('Transfer-Encoding is not chunked, alone and once');
    if (this.#length !== null) throw malformed('there are Transfer-Encoding and Content-Length');
    if (minorVersion === 0) throw malformed('HTTP/1.0 has no Transfer-Encoding');
  }

  /** Whom a request is for (RFC 9112 §3.2 and §3.3). */
  #authorityOf(target: string): Authority {
    const [, scheme, text = ''] = ABSOLUTE_FORM.exec(target) ?? [];
    if (this.method === 'CONNECT') {
      const authority = readAuthority(target);
      if (authority.port === null) throw new Refusal('malformed', 'CONNECT takes host:port', authority.name);
      return this.#named(authority, authority.port);
    }
    if (scheme?.toLowerCase() === 'http') return this.#named(readAuthority(text), HTTP_PORT);
    if (scheme !== undefined)
      throw new Refusal('unsupported', `${scheme}:// goes through CONNECT only`, nameIn(text));
    if (this.#asProxy)
      throw new Refusal('no proxy request', 'this is a proxy: CONNECT host:port, or an absolute http:// URI');
    if (!target.startsWith('/') && !(target === '*' && this.method === 'OPTIONS'))
      throw malformed('that is no request target');
    return this.#hostAuthority();
  }

  /** Whom a request target names; where Host says it too, both must name the same. Without a port it is `port`. A proxy sets Host anew. */
  #named(authority: Authority, port: number): Authority {
    if (this.#asProxy || this.#host === null) return authority;
    const host = this.#hostAuthority();
    if (!isSameHost(host, authority) || (host.port ?? port) !== (authority.port ?? port))
      throw new Refusal('several names', 'Host is not what the request target names', nameIn(this.#host));
    return authority;
  }

  #hostAuthority(): Authority {
    const text = this.#host ?? '';
    if (text === '') throw new Refusal('no name', 'there is no Host field');
    if (this.#known?.text !== text) this.#known = { text, authority: readAuthority(text) };
    return this.#known.authority;
  }
}

function readAuthority(text: string): Authority {
  const authority = parseAuthority(text);
  if (authority === null) throw new Refusal('malformed', 'that is no host', nameIn(text));
  return authority;
}

/** What is wrong with field lines of which one is none. */
function firstFault(lines: string): string {
  const all = lines.split(/(?<=\n)/);
  const index = all.findIndex((line) => !isFieldLine(line));
  const line = all[index] ?? '';
  if (/(?<!\r)\n/.test(line)) return `line ${index + 2} ends with LF alone`;
  if (/^[\t ]/.test(line)) return `line ${index + 2} is folded, or begins with white space`;
  return `line ${index + 2} is no field: a name of token characters, a colon right behind it, and a value without control characters`;
}

function tooLong(): Refusal {
  return new Refusal('too long', `a request head is longer than ${MAX_HEAD} bytes`);
}

function malformed(reason: string): Refusal {
  return new Refusal('malformed', reason);
}

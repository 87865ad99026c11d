/** Whom an authority names (RFC 3986 §3.2), without user info. */
export interface Authority {
  readonly name: string;
  /** null where none is written. */
  readonly port: number | null;
}

/** http's (RFC 9110 §4.2.1). */
export const HTTP_PORT = 80;

/** A host with or without a port; what else follows a colon may be a password that holds the `/` which has ended the authority. */
const HOST = /^(?:\[[^\]]*\]|[^:]*)(?::\d*$)?/;
const AUTHORITY = /^(?:([a-z0-9._-]+)|\[([0-9a-f:.]+)\])(?::(\d{0,5}))?$/i;

/** Reads host and port; null for what is none. */
export function parseAuthority(text: string): Authority | null {
  const [, name, address, port = ''] = AUTHORITY.exec(text) ?? [];
  const host = name ?? address;
  return host === undefined ? null : { name: host, port: port === '' ? null : Number(port) };
}

/**
 * Whom a text seems to name, for people to see: without user info, path and query, which may hold secrets (RFC 9110 §4.2.4). null where nobody is
 * named.
 */
export function nameIn(text: string): string | null {
  const [authority = ''] = text.split(/[/?#]/, 1);
  const [name = ''] = HOST.exec(authority.slice(authority.lastIndexOf('@') + 1)) ?? [];
  return name === '' ? null : name;
}

/** Whether both name the same host: in any case, with or without the root's dot (RFC 4343). */
export function isSameHost(one: Authority, other: Authority): boolean {
  return canonical(one.name) === canonical(other.name);
}

function canonical(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}

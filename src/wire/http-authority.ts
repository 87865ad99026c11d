/** Whom an authority names (RFC 3986 §3.2), without user info. */
export interface Authority {
  readonly name: string;
  /** null where none is written. */
  readonly port: number | null;
}

/** http's (RFC 9110 §4.2.1). */
export const HTTP_PORT = 80;

const AUTHORITY = /^(?:([a-z0-9._-]+)|\[([0-9a-f:.]+)\])(?::(\d{0,5}))?$/i;

/** Reads host and port; null for what is none. */
export function parseAuthority(text: string): Authority | null {
  const [, name, address, port = ''] = AUTHORITY.exec(text) ?? [];
  const host = name ?? address;
  return host === undefined ? null : { name: host, port: port === '' ? null : Number(port) };
}

/** Whether both name the same host: in any case, with or without the root's dot (RFC 4343). */
export function isSameHost(one: Authority, other: Authority): boolean {
  return canonical(one.name) === canonical(other.name);
}

function canonical(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}

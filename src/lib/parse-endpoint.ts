import { isIPv6 } from 'node:net';

/** Splits `host:port`, with IPv6 in brackets; the port is null where there is none. */
export function parseEndpoint(text: string): { readonly host: string; readonly port: number | null } {
  const [, bracketed, plain, port] = (isIPv6(text) ? null : /^(?:\[(.*)\]|(.*)):(\d{1,5})$/.exec(text)) ?? [];
  return { host: bracketed ?? plain ?? text, port: port === undefined ? null : Number(port) };
}

import { isIP } from 'node:net';

import { parsePort } from './ports.ts';

/** Where a nameserver is asked. */
export interface Nameserver {
  readonly address: string;
  readonly port: number;
}

const DNS_PORT = 53;

/** Reads addresses such as `9.9.9.9`, `127.0.0.1:5353`, `2620:fe::fe` and `[::1]:5353`, separated by spaces or commas. */
export function parseNameservers(text: string): readonly Nameserver[] {
  const servers = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(parseNameserver);
  if (servers.length === 0) throw new Error('no nameserver is listed');
  return servers;
}

function parseNameserver(text: string): Nameserver {
  if (isIP(text)) return { address: text, port: DNS_PORT };

  const [, v6, v4, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  const address = v6 ?? v4 ?? '';
  if (isIP(address) !== (v6 === undefined ? 4 : 6)) throw new Error(`'${text}' is no address`);
  return { address, port: port === undefined ? DNS_PORT : parsePort(port) };
}

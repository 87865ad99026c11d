import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;
const MAX_NAME_LENGTH = 253;

/**
 * Reads a host name or an IP address, and returns it as the wire wants it: names as IDNA A-labels (RFC 5890),
 * IPv6 addresses without brackets. Throws with a hint at what is wrong.
 */
export function parseHost(text: string): string {
  if (text.includes('://')) throw new Error('that is a URL; only its host name belongs here');
  if (/[\s,]/.test(text)) throw new Error('that is more than one name');

  const unbracketed = text.replace(/^\[(.*)\]$/, '$1');
  if (ipVersion(unbracketed) !== 0) return unbracketed;
  if (text.includes('/')) throw new Error('that holds a path');

  const name = domainToASCII(text);
  const labels = name.replace(/\.$/, '').split('.');
  if (name.length > MAX_NAME_LENGTH || !labels.every((label) => LABEL.test(label))) {
    throw new Error('that is no host name');
  }
  // URLs take numbers for IPv4 addresses, in many ways (WHATWG URL §3.5): 8443 would be 0.0.32.251.
  if (ipVersion(name) !== 0)
    throw new Error(
      'that is a number, not a name or an address; a port stands behind its name, as in name:443',
    );
  return name;
}

/** 4 or 6 for an address, 0 for what is none: net.isIP, but for its expression for IPv6, which takes milliseconds of each start to compile. */
export function ipVersion(text: string): 0 | 4 | 6 {
  if (text.includes(':')) return isIPv6(text) ? 6 : 0;
  return isIPv4(text) ? 4 : 0;
}

/** One form of a name or an address, to be compared. IPv6 becomes what URLs make of it, as it can be written in many ways (RFC 5952 §2). */
export function canonical(name: string): string {
  const address = ipVersion(name) === 6 ? URL.parse(`http://[${name}]/`) : null;
  return address?.hostname ?? name.replace(/\.$/, '').toLowerCase();
}

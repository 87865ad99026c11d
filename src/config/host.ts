import { isIP } from 'node:net';
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
  if (isIP(unbracketed)) return unbracketed;
  if (/:\d+$/.test(text)) throw new Error('the port belongs into PORT');
  if (text.includes('/')) throw new Error('that holds a path');

  const name = domainToASCII(text);
  const labels = name.replace(/\.$/, '').split('.');
  if (name.length > MAX_NAME_LENGTH || !labels.every((label) => LABEL.test(label))) {
    throw new Error('that is no host name');
  }
  return name;
}

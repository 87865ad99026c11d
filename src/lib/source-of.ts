import { unmapped } from './unmapped.ts';

/** How many of the eight groups of an IPv6 address name the network. */
const NETWORK = 4;

/** What an address counts as among those that share something: an IPv4 address itself; of IPv6 the /64, as a host may have any address of it (RFC 7721). */
export function sourceOf(address: string): string {
  const plain = unmapped(address);
  if (!plain.includes(':')) return plain;
  const [before = '', after] = plain.split('::');
  const groups = before.split(':').filter(Boolean);
  const rest = (after ?? '').split(':').filter(Boolean);
  const zeros = after === undefined ? 0 : 8 - groups.length - rest.length;
  return [...groups, ...Array<string>(zeros).fill('0'), ...rest].slice(0, NETWORK).join(':');
}

import { AddressRange, type NameNetworks } from '../lib/address-range.ts';
import type { Network } from '../lib/networks.ts';
import { canonical, ipVersion } from './host.ts';

/** By the family that ipVersion() tells, in bits. */
const ADDRESS_LENGTH: Readonly<Record<number, number>> = { 4: 32, 6: 128 };
/** IPv4 written as IPv6 (RFC 4291 §2.5.5.2), in canonical form. */
const MAPPED = /^\[::ffff:[0-9a-f]{1,4}:[0-9a-f]{1,4}\]$/;
const ALL_OF_FAMILY: Readonly<Record<number, string>> = { 4: '0.0.0.0', 6: '::' };

/** Reads `10.0.0.0/8`, `2001:db8::/32` and plain addresses, separated by spaces or commas. Throws at the first that is neither. */
export function parseNetworks(text: string): readonly Network[] {
  return split(text).map((item) => {
    const [address = '', prefix, ...rest] = item.split('/');
    const max = address.includes('%') ? undefined : ADDRESS_LENGTH[ipVersion(address)];
    if (max === undefined || rest.length > 0) throw new Error(`'${item}' is no address and no network`);
    refuseMapped(address);
    if (prefix !== undefined && (!/^\d{1,3}$/.test(prefix) || Number(prefix) > max))
      throw new Error(`'${item}' has no prefix from 0 to ${max}`);
    return [address, prefix === undefined ? max : Number(prefix)];
  });
}

/** Reads addresses to listen on, separated by spaces or commas. Throws at the first that is none, or is among the others already. */
export function parseAddresses(text: string): readonly string[] {
  const addresses = split(text).map((item) => item.replace(/^\[(.*)\]$/, '$1'));
  const names = addresses.map(canonical);
  for (const [index, address] of addresses.entries()) {
    const all = ALL_OF_FAMILY[ipVersion(address)];
    if (all === undefined) throw new Error(`'${address}' is no address`);
    refuseMapped(address);
    const name = canonical(address);
    if (names.indexOf(name) < index) throw new Error(`${address} is listed twice`);
    if (name !== canonical(all) && names.includes(canonical(all)))
      throw new Error(`${address} is among ${all}, which is listed too`);
  }
  return addresses;
}

function split(text: string): readonly string[] {
  const items = text.split(/[\s,]+/).filter(Boolean);
  if (items.length === 0) throw new Error('no address is listed');
  return items;
}

function refuseMapped(address: string): void {
  if (MAPPED.test(canonical(address))) throw new Error(`'${address}' is an IPv4 address: write it as one`);
}

/** Reads an address of IPv4, one of IPv6, or both. Throws at what is none, or where there are two of a family. */
export function parseAddressPair(text: string): { readonly v4: string | null; readonly v6: string | null } {
  const addresses = parseAddresses(text);
  if (text.includes('%')) throw new Error('a record has no interface');
  const [v4 = null, ...moreV4] = addresses.filter((address) => ipVersion(address) === 4);
  const [v6 = null, ...moreV6] = addresses.filter((address) => ipVersion(address) === 6);
  if (moreV4.length + moreV6.length > 0) throw new Error('there are two addresses of one family');
  return { v4, v6 };
}

/** Reads a network of IPv4, one of IPv6, or both, that have room for names. Throws at what is none, or where there are two of a family. */
export function parseNameNetworks(text: string): NameNetworks {
  const networks = parseNetworks(text);
  for (const network of networks) {
    if (new AddressRange(network).size === 0)
      throw new Error(`'${network.join('/')}' has no room between its first address and its last`);
  }
  const [v4 = null, ...moreV4] = networks.filter(([address]) => ipVersion(address) === 4);
  const [v6 = null, ...moreV6] = networks.filter(([address]) => ipVersion(address) === 6);
  if (moreV4.length + moreV6.length > 0) throw new Error('there are two networks of one family');
  return { v4, v6 };
}

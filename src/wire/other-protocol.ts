import { Refusal } from './refusal.ts';

/** How a record with a ClientHello begins: ContentType handshake (RFC 8446 §5.1). */
export const TLS_HANDSHAKE = 22;
/** The versions of SOCKS, which are its first byte (RFC 1928 §3; version 4 has no RFC). */
const SOCKS_VERSIONS: ReadonlySet<number> = new Set([4, 5]);

/**
 * Of who opens with this byte where a forward proxy is asked over plain HTTP, and who has been told something else; null for anybody else. The refusal is told
 * in HTTP to those who speak TLS too: Go and urllib3 recognize it and name the mistake, where an alert would read as a fault of TLS.
 */
export function refuseAtProxy(first: number): Refusal | null {
  if (first === TLS_HANDSHAKE)
    return new Refusal(
      'no proxy request',
      'it speaks TLS, and this proxy is asked over plain HTTP: write HTTPS_PROXY=http://..., not https://...',
    );
  if (SOCKS_VERSIONS.has(first))
    return new Refusal(
      'no proxy request',
      `it speaks SOCKS${first}, and this is an HTTP proxy: write http://... as its URL, not socks${first}://...`,
    );
  return null;
}

/** Of who opens with this byte where TLS or HTTP is to be read. */
export function refuseAtCheck(first: number): Refusal {
  const message = SOCKS_VERSIONS.has(first)
    ? `it speaks SOCKS${first}, and this is no proxy: take its proxy setting out, it reaches the target here by name`
    : 'it opens with neither TLS nor HTTP';
  return new Refusal('neither TLS nor HTTP', message);
}

/** `1.2.3.4:80` or `[::1]:80`; an IPv4 client of a dual-stack socket (RFC 4291 §2.5.5.2) is shown as what it is. */
export function endpoint(address = '?', port = 0): string {
  const shown = address.replace(/^::ffff:(?=\d+\.)/, '');
  return shown.includes(':') ? `[${shown}]:${port}` : `${shown}:${port}`;
}

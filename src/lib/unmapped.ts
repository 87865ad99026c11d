/** An address as what it is: dual-stack sockets show IPv4 as v4-mapped IPv6 (RFC 4291 §2.5.5.2). */
export function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}

/** Fields that are for the next hop alone (RFC 9110 §7.6.1), and those that say where a message goes and where it ends, which is said anew. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);
/** Whatever Connection lists: without it, a body would have no end, or another one. */
const FRAMING = 'content-length';

/** The fields, names and values in turn, that a message keeps when it is passed on. */
export function endToEndFields(rawHeaders: readonly string[], besides: readonly string[] = []): string[] {
  const listed = fieldValues(rawHeaders, 'connection')
    .flatMap((value) => value.toLowerCase().split(','))
    .map((name) => name.trim())
    .filter((name) => name !== FRAMING);
  const dropped = new Set([...HOP_BY_HOP, ...listed, ...besides]);
  return rawHeaders.filter((_, i) => !dropped.has(rawHeaders[i - (i % 2)]?.toLowerCase() ?? ''));
}

/** The values of a field, in order. */
export function fieldValues(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
}

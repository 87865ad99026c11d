/** Addresses that take turns between the families, IPv6 first, as far as there are both (RFC 8305 §4); those of one family stay in order. */
export function interleave<T extends { readonly family: number }>(addresses: readonly T[]): readonly T[] {
  const v6 = addresses.filter(({ family }) => family === 6);
  const v4 = addresses.filter(({ family }) => family !== 6);
  return Array.from({ length: Math.max(v6.length, v4.length) }, (_, i) => [
    ...v6.slice(i, i + 1),
    ...v4.slice(i, i + 1),
  ]).flat();
}

/** The same bytes whole, byte by byte, and in pieces that grow: a stream may come in any of these ways. */
export function waysToCut(bytes: Buffer): readonly (readonly Buffer[])[] {
  const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  const growing: Buffer[] = [];
  for (let at = 0, size = 1; at < bytes.length; at += size++) growing.push(bytes.subarray(at, at + size));
  return [[bytes], single, growing];
}

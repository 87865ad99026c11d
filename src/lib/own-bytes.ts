/** A copy in memory of its own, which keeps no pool alive and can be freed. */
export function copyBytes(bytes: Buffer, start = 0, end = bytes.length): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}

/**
 * Gives the memory of bytes back at once, which must be memory of their own: V8 would do so with a collection, and before that a flood has
 * taken many times what lives. Whoever still has them has nothing: they are 0 bytes long from now on.
 */
export function freeBytes(bytes: Buffer): void {
  if (bytes.length > 0) (bytes.buffer as ArrayBuffer).transfer(0);
}

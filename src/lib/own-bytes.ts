/** A copy in memory of its own, which keeps no pool alive and can be freed. */
export function copyBytes(bytes: Buffer, start = 0, end = bytes.length): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}

/**
 * Gives the memory of bytes back at once, which must be memory of their own: V8 would do so with a collection, and before that a flood has
 * taken many times what lives. Whoever still has them has nothing: they are 0 bytes long from now on.
 *
 * V8 begins that collection after 64 MB of array buffers: under a flood of heads of 60 KB the process took
 * 126 MB, of which clients held 8. `ArrayBuffer.prototype.transfer` frees at once, and enlarges a buffer four
 * times as fast as a copy. Only the one who has the memory alone may do it: a stream that was given bytes
 * reads them later.
 */
export function freeBytes(bytes: Buffer): void {
  if (bytes.length > 0) (bytes.buffer as ArrayBuffer).transfer(0);
}

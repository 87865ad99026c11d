import { writeSync } from 'node:fs';
import { Socket } from 'node:net';

import { loseWrite } from './outlive-writes.ts';
import type { Pump } from './pump.ts';

/**
 * What is read at a time at most, in bytes: from here on, more brings little. It is also the most that a reader who stalls makes us keep
 * for each direction.
 */
const SIZE = 256 * 1024;
/** All sockets are read into it: what has been read is written, or copied, before anything else is read. */
const buffer = Buffer.allocUnsafeSlow(SIZE);

/** Where a net.Socket keeps what its constructor's `onread` option says, and the handle beneath it: not public. */
const INTERNALS = ['kBuffer', 'kBufferCb'] as const;
type Internal = Socket & {
  readonly _handle: { readonly fd: number; readonly useUserBuffer: (bytes: Buffer) => void } | null;
  [key: symbol]: unknown;
};

/**
 * A pump that costs a read and a write, and neither memory nor a stream's bookkeeping for each chunk: sockets are read into one buffer, as
 * with net.Socket's `onread`, and written by write(2), which `bytesWritten` does not count. What the kernel does not take at once goes through the stream, and reading waits. Null where
 * this Node's sockets do not look as they must.
 */
export const pumpDirect: Pump | null = createPump();

function createPump(): Pump | null {
  const symbols = Object.getOwnPropertySymbols(new Socket());
  const [kBuffer, kBufferCb] = INTERNALS.map((name) =>
    symbols.find(({ description }) => description === name),
  );
  if (kBuffer === undefined || kBufferCb === undefined) return null;

  const pump = (source: Internal, sink: Internal, onBytes: (count: number) => void): void => {
    const onWritten = () => void source.resume();
    /** Whether more may be read at once. */
    const onRead = (count: number): boolean => {
      onBytes(count);
      const written = writeNow(sink, count);
      if (written === count) return true;
      sink.write(Buffer.copyBytesFrom(buffer, written, count - written), onWritten);
      return false;
    };
    // What has come before was read into the stream.
    for (let chunk = source.read(); chunk !== null; chunk = source.read()) {
      onBytes(chunk.length);
      if (!sink.destroyed) sink.write(chunk);
    }
    source[kBuffer] = buffer;
    source[kBufferCb] = onRead;
    source._handle?.useUserBuffer(buffer);
    source.resume();
  };
  return pump as Pump;
}

/** Writes the beginning of the buffer, as much as the kernel takes at once; how many bytes need not be written any more. */
function writeNow(sink: Internal, count: number): number {
  if (sink.destroyed || sink._handle === null) return count;
  if (sink.writableLength > 0) return 0;
  try {
    return writeSync(sink._handle.fd, buffer, 0, count);
  } catch (cause) {
    const error = cause as NodeJS.ErrnoException;
    if (error.code === 'EAGAIN') return 0;
    if (!loseWrite(sink, error)) sink.destroy(error);
    return count;
  }
}

import type { Socket } from 'node:net';

/**
 * Moves what one socket reads to another, as it comes, and reads no more than the other one takes. To be called once for a source. Ends and
 * errors are left to the caller; what a sink that is gone would have got vanishes. `onBytes` is told how many have come.
 */
export function pump(source: Socket, sink: Socket, onBytes: (count: number) => void): void {
  source.on('data', (chunk: Buffer) => {
    onBytes(chunk.length);
    if (!sink.destroyed && !sink.write(chunk)) source.pause();
  });
  sink.on('drain', () => source.resume());
  source.resume(); // what has been looked into is paused
}

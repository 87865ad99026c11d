import type { Duplex } from 'node:stream';

/** A stream ended before it had said enough; `seen` is what it has said. */
export class EndedError extends Error {
  readonly seen: Buffer;

  constructor(seen: Buffer) {
    super(`it ended after ${seen.length} bytes`);
    this.name = 'EndedError';
    this.seen = seen;
  }
}

export interface Reader<T> {
  /** Makes something of bytes as they come; null while it needs more. */
  push: (chunk: Buffer) => T | null;
  /** Gives back the memory of what it keeps; to be called when nothing more is pushed. */
  free: () => void;
}

/**
 * Has a reader make something of what a stream brings. Rejects with what the reader throws, with the signal's reason, or with an EndedError.
 * But for the last, all bytes are then back in the stream, which is paused.
 */
export function peek<T>(stream: Duplex, reader: Reader<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const chunks: Buffer[] = [];

  const onData = (chunk: Buffer) => {
    chunks.push(chunk);
    try {
      const result = reader.push(chunk);
      if (result === null) return;
      putBack();
      resolve(result);
    } catch (cause) {
      putBack();
      reject(cause);
    }
  };
  const onAbort = () => {
    putBack();
    reject(signal.reason);
  };
  const onEnd = () => {
    leave();
    reject(new EndedError(Buffer.concat(chunks)));
  };
  const putBack = () => {
    leave();
    if (!stream.destroyed) stream.unshift(Buffer.concat(chunks));
  };
  const leave = () => {
    reader.free();
    stream.pause();
    stream.off('data', onData).off('end', onEnd).off('close', onEnd);
    signal.removeEventListener('abort', onAbort);
  };

  if (signal.aborted) onAbort();
  else if (stream.readableEnded || stream.closed) onEnd();
  else {
    signal.addEventListener('abort', onAbort);
    stream.on('data', onData).on('end', onEnd).on('close', onEnd).resume();
  }
  return promise;
}

import type { Duplex } from 'node:stream';

import { type Content, pieceOf } from '../content.ts';
import type { Gate } from '../targets/gate.ts';

/** Writes a content's bytes from one position to another, as fast as they are taken; returns early once the stream is destroyed. */
export async function send(
  stream: Duplex,
  content: Content,
  { from = 0, to = content.length, gate }: { from?: number; to?: number; gate?: Gate } = {},
): Promise<void> {
  for (let position = from; position < to && !stream.destroyed;) {
    if (gate?.isShut) await gate.passed();
    const piece = pieceOf(content, position, to - position);
    position += piece.length;
    if (!stream.write(piece)) await drained(stream);
  }
}

async function drained(stream: Duplex): Promise<void> {
  if (stream.destroyed || !stream.writableNeedDrain) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.once('drain', resolve).once('close', resolve);
  await promise;
  stream.off('drain', resolve).off('close', resolve);
}

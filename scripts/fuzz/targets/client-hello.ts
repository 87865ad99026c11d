import { deepEqual, equal } from 'node:assert/strict';

import { ClientHelloReader } from '../../../src/wire/client-hello.ts';
import { OpeningReader } from '../../../src/wire/opening.ts';
import { Refusal } from '../../../src/wire/refusal.ts';
import { nodeHello } from '../../../test/helpers/node-hello.ts';
import { waysToCut } from '../ways-to-cut.ts';

/** What a client opens with is read the same however it comes, and OpenSSL reads no other name in a ClientHello. */
export async function fuzz(bytes: Buffer): Promise<void> {
  const [whole, ...others] = waysToCut(bytes).map((pieces) => readAll(new OpeningReader(), pieces));
  for (const other of others) deepEqual(other, whole);
  const [second, ...moreOthers] = waysToCut(bytes).map((pieces) =>
    readAll(new ClientHelloReader({ afterRetry: true }), pieces),
  );
  for (const other of moreOthers) deepEqual(other, second);

  if (!whole || !('protocol' in whole) || whole.protocol !== 'tls') return;
  const { name, length } = whole.hello;
  const read = await nodeHello(bytes.subarray(0, length));
  if (read !== null) equal(read, name);
}

interface Reader<T> {
  readonly push: (chunk: Buffer) => T | null;
  readonly free: () => void;
}

/** What a reader makes of a stream, up to where it has made up its mind. */
function readAll<T extends object>(
  reader: Reader<T>,
  pieces: readonly Buffer[],
): T | { refused: string } | null {
  try {
    for (const piece of pieces) {
      const read = reader.push(piece);
      if (read !== null) return read;
    }
    return null;
  } catch (cause) {
    if (cause instanceof Refusal) return { refused: `${cause.rule}: ${cause.message}` };
    throw cause;
  } finally {
    reader.free();
  }
}

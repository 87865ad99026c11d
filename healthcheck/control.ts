import { existsSync } from 'node:fs';

import { askControl } from '../src/control/client.ts';
import type { Status } from '../src/control/protocol.ts';
import { controlPaths } from '../src/control/run-dir.ts';

/** How long the relay may take to answer on its control socket, in ms. */
const TIMEOUT = 2_000;

/** The relay's word of itself; null where it could make no control socket. Rejects when it does not answer. */
export async function checkControl(runDir: string | null): Promise<Status | null> {
  const path = controlPaths(runDir).find((candidate) => existsSync(candidate));
  if (path === undefined) return null;
  try {
    return await askControl(path, TIMEOUT);
  } catch (cause) {
    const reason =
      cause instanceof Error && cause.name === 'AbortError' ? `silent for ${TIMEOUT} ms` : String(cause);
    throw new Error(`the relay does not answer on ${path}: ${reason}`, { cause });
  }
}

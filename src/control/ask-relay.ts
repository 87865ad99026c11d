import { existsSync } from 'node:fs';

import { messageOf } from '../lib/message-of.ts';
import { askControl } from './client.ts';
import type { BlackoutRequest, Status } from './protocol.ts';
import { controlPaths } from './run-dir.ts';

/** How long the relay may take to answer on its control socket, in ms. */
const TIMEOUT = 2_000;

/**
 * The word of the relay that runs here of itself, once it has done what is requested; null where there is no control socket. Rejects when it
 * does not answer.
 */
export async function askRelay(
  runDir: string | null,
  request: BlackoutRequest | null = null,
): Promise<Status | null> {
  const path = controlPaths(runDir).find((candidate) => existsSync(candidate));
  if (path === undefined) return null;
  try {
    return await askControl(path, TIMEOUT, request);
  } catch (cause) {
    const reason =
      cause instanceof Error && cause.name === 'AbortError' ? `silent for ${TIMEOUT} ms` : messageOf(cause);
    throw new Error(`the relay does not answer on ${path}: ${reason}`, { cause });
  }
}

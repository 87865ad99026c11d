import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where the control socket may live when SALLYPORT_RUN_DIR is not set; Docker keeps the second writable under `--read-only`. */
const DEFAULT_DIRS = ['/run/sallyport', '/dev/shm/sallyport'];

/** The directories that may hold the control socket, the preferred one first. */
export function runDirs(runDir: string | null): readonly string[] {
  return runDir === null ? DEFAULT_DIRS : [runDir];
}

/** The control socket's path in each directory that may hold it, the preferred one first. */
export function controlPaths(runDir: string | null): readonly string[] {
  return runDirs(runDir).map((dir) => join(dir, 'control.sock'));
}

/** Makes a directory that only this user may enter, unless it exists; its parent must. Returns whether it can be written to. */
export function prepareRunDir(dir: string): boolean {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch {
    // It exists, or cannot be made.
  }
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The word to a relay that finds a directory taken. */
export function ownedByAnother(dir: string, owner: string): Error {
  return new Error(
    `another relay (${owner}) owns ${dir}, and is whom commands and the healthcheck ask here: stop it, or give each relay a SALLYPORT_RUN_DIR of its own`,
  );
}

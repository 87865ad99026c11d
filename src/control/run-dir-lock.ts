import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pid } from 'node:process';

import { tryLock } from '../kernel/file-lock.ts';
import { ownedByAnother } from './run-dir.ts';

const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;

/**
 * Makes a run directory this process's own, until it calls what is returned or ends, however it ends: the kernel gives a lock up with its last
 * descriptor (flock(2)), and with nothing else. Throws when another process has it, with what that one has written of itself;
 * `onMissing` is told why there can be no lock.
 *
 * So a stopped owner still owns, and a shared directory works across containers. Without node:ffi an owner is
 * known by its socket alone, which takes connections as long as the process exists; two relays that start at
 * the same moment may then both find it stale.
 */
export function lockRunDir(dir: string, onMissing: (cause: unknown) => void): () => void {
  const fd = openSync(join(dir, 'lock'), O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  let isOurs: boolean;
  try {
    isOurs = tryLock(fd);
  } catch (cause) {
    closeSync(fd);
    onMissing(cause);
    return () => {};
  }
  if (!isOurs) {
    const owner = readFileSync(fd, 'utf8');
    closeSync(fd);
    throw ownedByAnother(dir, owner);
  }
  ftruncateSync(fd);
  writeSync(fd, `process ${pid} on ${hostname()}, since ${new Date().toISOString()}`);
  return () => closeSync(fd);
}

import { LOCK_EX, LOCK_NB } from './abi.ts';
import { EAGAIN, openKernel } from './kernel.ts';

/**
 * Locks an open file for this process alone, until its last descriptor is closed, however that comes (flock(2)); returns whether nobody else had. Throws a
 * system error where it cannot be locked, and an Error where this Node cannot call C.
 */
export function tryLock(fd: number): boolean {
  const calls = openKernel()?.calls;
  if (calls === undefined) throw new Error('C cannot be called (node:ffi)');
  if (calls.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const errno = calls.errno();
  if (errno === EAGAIN) return false;
  throw calls.failure('flock', errno);
}

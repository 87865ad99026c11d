import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Those of PATH, and Debian's for administrators, which an ordinary user's PATH lacks. */
const directories = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];

/** Whether a program can be started by its name. */
export function isInstalled(program: string): boolean {
  return directories.some((directory) => existsSync(join(directory, program)));
}

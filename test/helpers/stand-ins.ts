import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { onTestFinished, vi } from 'vitest';

import { temporaryDirectory } from './program.ts';

/** Scripts of sh(1), by the name of the program that each stands in for. */
type Scripts = Readonly<Record<string, string>>;

/** A PATH on which these come before the programs themselves; they go with the test. */
export function pathWith(scripts: Scripts): string {
  const directory = temporaryDirectory();
  for (const [program, script] of Object.entries(scripts))
    writeFileSync(join(directory, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return `${directory}:${process.env['PATH'] ?? ''}`;
}

/** Has this process run them until the test's end. */
export function standIn(scripts: Scripts): void {
  usePath(pathWith(scripts));
}

/** Has this process find programs there until the test's end. */
export function usePath(path: string): void {
  vi.stubEnv('PATH', path);
  onTestFinished(() => void vi.unstubAllEnvs());
}

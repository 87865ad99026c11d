import { spawnSync } from 'node:child_process';

/** What a program says when asked for its version, as far as the pattern's first group goes; null where it is not installed. */
export function versionOf(command: string, argument: string, pattern: RegExp): string | null {
  const { error, stdout, stderr } = spawnSync(command, [argument], { encoding: 'utf8' });
  if (error) return null;
  return pattern.exec(stdout + stderr)?.[1] ?? null;
}

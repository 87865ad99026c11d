import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  code: number;
  /** stdout and stderr, in that order */
  output: string;
  stdout: string;
}

const maxBuffer = 64 * 1024 * 1024;

/** Runs a command to its end; never rejects, a command that cannot start ends with code 127. */
export function run(command: string, args: string[], { timeout = 600_000, cwd = repository } = {}) {
  return new Promise<Finished>((resolve) => {
    execFile(command, args, { timeout, cwd, maxBuffer }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127;
      resolve({ code, stdout, output: stdout + stderr });
    });
  });
}

/** Runs `docker` and gives back what it printed; rejects when it fails. */
export async function docker(...args: string[]): Promise<string> {
  const { code, stdout, output } = await run('docker', args);
  if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}: ${output}`);
  return stdout.trim();
}

/** Removes every container and network that carries the label. */
export async function removeLabelled(label: string): Promise<void> {
  const listed = async (...command: string[]) =>
    (await docker(...command, '--quiet', '--filter', `label=${label}`)).split('\n').filter((id) => id !== '');
  // One at a time: engines of version 20 lose track of a network that several containers leave at once.
  for (const id of await listed('ps', '--all')) await docker('rm', '--force', '--volumes', id);
  for (const id of await listed('network', 'ls')) await docker('network', 'rm', id);
}

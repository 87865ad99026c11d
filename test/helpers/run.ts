import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  code: number;
  /** stdout and stderr, in that order */
  output: string;
  stdout: string;
}

interface Options {
  readonly timeout?: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** For its standard input. */
  readonly input?: string;
}

const maxBuffer = 64 * 1024 * 1024;

/** Runs a command to its end; never rejects, a command that cannot start ends with code 127. */
export function run(
  command: string,
  args: readonly string[],
  { timeout = 600_000, cwd = repository, env, input }: Options = {},
) {
  return new Promise<Finished>((resolve) => {
    const child = execFile(command, args, { timeout, cwd, env, maxBuffer }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127;
      resolve({ code, stdout, output: stdout + stderr });
    });
    child.stdin?.on('error', () => {}).end(input);
  });
}

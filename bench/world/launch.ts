import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

import type { Place } from './place.ts';

/** Enough of what a program said to tell why it failed. */
const MAX_OUTPUT = 4 * 1024 * 1024;

/** Joins a control group, raises the limit on open files as far as it may, and becomes the program. */
const BECOME = `
  if [ -n "$0" ]; then echo $$ >"$0/cgroup.procs"; fi
  ulimit -n "$1" 2>/dev/null || ulimit -n "$(ulimit -Hn)"
  shift
  exec "$@"
`;
const OPEN_FILES = 100_000;

const POLL = 20; // ms
/** Beyond the time that a program is meant to take, in ms. */
const PATIENCE = 120_000;

interface Options {
  readonly env?: Readonly<Record<string, string>>;
  /** The directory of the control group that it and its children belong to. */
  readonly cgroup?: string | null;
}

/** A program in a process group of its own. */
export interface Running {
  /** Its process, and the process group of it and all its children. */
  readonly pid: number;
  readonly output: () => string;
  /** What it said and its exit code, once it has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly output: string; readonly stdout: string }>;
  /** Kills the whole group; not an error when it has ended. */
  readonly kill: () => void;
}

/** Groups that are alive: what an end of any kind must take along. */
const groups = new Set<number>();

/** Starts a program in a place. */
export function launch(
  place: Place,
  [command, ...args]: readonly [string, ...string[]],
  options: Options = {},
): Running {
  const { env, cgroup } = options;
  const child = spawn('sh', ['-c', BECOME, cgroup ?? '', String(OPEN_FILES), ...place.wrap(command, args)], {
    detached: true,
    env: env ? { PATH: process.env.PATH, ...env } : process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`failed to start ${command}: there is no sh`);
  groups.add(pid);
  const { both, stdout } = collect(child);
  const ended = once(child, 'close').then(([code]) => {
    groups.delete(pid);
    return { code: code as number | null, output: both(), stdout: stdout() };
  });
  return { pid, output: both, ended, kill: () => killGroup(pid) };
}

/**
 * Runs a program that is meant to last so many s to its end; resolves with its standard output. Rejects unless it exits with 0, and when it takes
 * far longer.
 */
export async function runToEnd(
  place: Place,
  command: readonly [string, ...string[]],
  { seconds = 0, ...options }: Options & { readonly seconds?: number } = {},
): Promise<string> {
  const running = launch(place, command, options);
  const timer = setTimeout(running.kill, seconds * 1000 + PATIENCE);
  const { code, output, stdout } = await running.ended;
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${output.trim()}`);
  return stdout;
}

/** What a program has said, as soon as a pattern matches it; rejects when it ends before, or takes too long. */
export async function said({ output, ended }: Running, pattern: RegExp): Promise<string> {
  const end = ended.then(({ code, output: all }) => {
    throw new Error(`it ended with ${code}: ${all.trim()}`);
  });
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const [match] = pattern.exec(output()) ?? [];
    if (match !== undefined) {
      end.catch(() => {});
      return match;
    }
    if (performance.now() > deadline) {
      end.catch(() => {});
      throw new Error(`it has not come to an end: ${output()}`);
    }
    await Promise.race([end, wait(POLL)]);
  }
}

/** How many files a program that is launched may have open. */
export function openFiles(): number {
  const { stdout } = spawnSync('sh', ['-c', BECOME, '', String(OPEN_FILES), 'sh', '-c', 'ulimit -n'], {
    encoding: 'utf8',
  });
  return Number(stdout) || Infinity;
}

/** Kills all that is still running of what was launched. */
export function killAll(): void {
  for (const pid of groups) killGroup(pid);
}

function killGroup(pid: number): void {
  if (!groups.has(pid)) return; // it has ended, and its number may be another's by now
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of them have ended.
  }
}

/** Both outputs in one, and standard output alone. */
function collect(child: ChildProcess): { readonly both: () => string; readonly stdout: () => string } {
  let both = '';
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    if (both.length > MAX_OUTPUT) return;
    both += text;
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (both.length <= MAX_OUTPUT) both += text;
  });
  return { both: () => both, stdout: () => stdout };
}

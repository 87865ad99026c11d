import { type ChildProcess, spawn } from 'node:child_process';
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
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
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
    env: env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`failed to start ${command}: there is no sh`);
  groups.add(pid);
  const collected = collect(child);
  const ended = once(child, 'close').then(([code]) => {
    groups.delete(pid);
    return { code: code as number | null, output: collected() };
  });
  return { pid, output: collected, ended, kill: () => killGroup(pid) };
}

/** Runs a program to its end; rejects unless it exits with 0. */
export async function runToEnd(
  place: Place,
  command: readonly [string, ...string[]],
  options?: Options,
): Promise<string> {
  const { code, output } = await launch(place, command, options).ended;
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${output.trim()}`);
  return output;
}

/** What a program has said, as soon as a pattern matches it; rejects when it ends before. */
export async function said({ output, ended }: Running, pattern: RegExp): Promise<string> {
  const end = ended.then(({ code, output: all }) => {
    throw new Error(`it ended with ${code}: ${all.trim()}`);
  });
  for (;;) {
    const [match] = pattern.exec(output()) ?? [];
    if (match !== undefined) {
      end.catch(() => {});
      return match;
    }
    await Promise.race([end, wait(POLL)]);
  }
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

function collect({ stdout, stderr }: ChildProcess): () => string {
  let output = '';
  for (const stream of [stdout, stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      if (output.length < MAX_OUTPUT) output += text;
    });
  return () => output;
}

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

import { onTestFinished } from 'vitest';

import { temporaryDirectory } from './program.ts';

interface Options {
  readonly env?: Readonly<Record<string, string>>;
  /** What it says, on either output, once it serves. */
  readonly ready: string;
  /** Whether `write` reaches it. */
  readonly takesInput?: boolean;
}

/** A program that runs beside a test. */
export interface Daemon {
  readonly pid: number;
  /** To its standard input. */
  readonly write: (text: string) => void;
  readonly output: () => string;
  /** Resolves when its output holds `text`, now or later; rejects when it ends without. */
  readonly said: (text: string) => Promise<void>;
  /** Resolves with its exit code; null after a signal. */
  readonly ended: Promise<number | null>;
}

/** Starts a program and waits until it serves; ended with the test. */
export async function startDaemon(
  command: string,
  args: readonly string[],
  { env, ready, takesInput = false }: Options,
): Promise<Daemon> {
  const child = spawn(command, args, {
    env: env ?? process.env,
    stdio: [takesInput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  const { stdout, stderr } = child as ChildProcessByStdio<Writable | null, Readable, Readable>;
  let output = '';
  let hasEnded = false;
  let code: number | null = null;
  const waiters = new Set<() => void>();
  const wakeAll = () => waiters.forEach((wake) => wake());
  for (const stream of [stdout, stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      wakeAll();
    });
  }
  child.once('exit', (exitCode) => (code = exitCode));
  const end = once(child, 'close')
    .catch((err: unknown) => (output += String(err)))
    .then(() => {
      hasEnded = true;
      wakeAll();
      return code;
    });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await end;
  });

  const said = async (text: string) => {
    while (!output.includes(text)) {
      if (hasEnded) throw new Error(`${command} ended before it said '${text}': ${output}`);
      await new Promise<void>((resolve) => waiters.add(resolve));
    }
  };
  await said(ready);
  const write = (text: string) => void child.stdin?.write(text);
  return { pid: child.pid ?? 0, write, output: () => output, said, ended: end };
}

/**
 * A copy of an installed program, removed with the test: AppArmor profiles that packages bring go by the program's path, and would keep it
 * from its configuration in a test's directory.
 */
export function unconfined(program: string): string {
  const copy = join(temporaryDirectory(), basename(program));
  copyFileSync(program, copy);
  return copy;
}

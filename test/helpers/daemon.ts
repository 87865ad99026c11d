import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { onTestFinished } from 'vitest';

import { temporaryDirectory } from './program.ts';

interface Options {
  readonly env?: Readonly<Record<string, string>>;
  /** What it says, on either output, once it serves. */
  readonly ready: string;
}

/** A program that runs beside a test. */
export interface Daemon {
  readonly pid: number;
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
  { env, ready }: Options,
): Promise<Daemon> {
  const child = spawn(command, args, { env: env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let hasEnded = false;
  let code: number | null = null;
  const waiters = new Set<() => void>();
  const wakeAll = () => waiters.forEach((wake) => wake());
  for (const stream of [child.stdout, child.stderr]) {
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
  return { pid: child.pid ?? 0, output: () => output, said, ended: end };
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

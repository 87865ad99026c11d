import { type ChildProcess, spawn } from 'node:child_process';
import { text as textOf } from 'node:stream/consumers';

import { messageOf } from '../lib/message-of.ts';

/** A program that could not do what it was told; the message has what it says. */
class ToolError extends Error {
  constructor(program: string, cause: unknown) {
    super(`${program}: ${messageOf(cause)}`, { cause });
    this.name = 'ToolError';
  }
}

/** How long a program may take, in ms; then it is killed. */
const TIMEOUT = 5_000;

/** Runs a program to its end, with this input; resolves with what it has written. Rejects with a ToolError where it cannot be run, fails or takes too long. */
export async function runTool(program: string, args: readonly string[], input = ''): Promise<string> {
  try {
    const child = spawn(program, args, { timeout: TIMEOUT, killSignal: 'SIGKILL' });
    const ended = endOf(child);
    // Without descriptors for them there are no streams, whatever the types say.
    const { stdin, stdout, stderr } = child as Partial<typeof child>;
    stdin?.on('error', () => {}).end(input);
    const [output, problem] = await Promise.all([stdout && textOf(stdout), stderr && textOf(stderr), ended]);
    const { code, signal } = await ended;
    if (code === 0) return output ?? '';
    if (child.killed) throw new Error(`it took over ${TIMEOUT} ms`);
    throw new Error(problem?.trim() || `it ended with ${signal ?? code}`);
  } catch (cause) {
    throw new ToolError(program, isMissing(cause) ? new Error('it is not installed', { cause }) : cause);
  }
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Rejects when the program could not be started. */
function endOf(child: ChildProcess): Promise<End> {
  const { promise, resolve, reject } = Promise.withResolvers<End>();
  child.once('error', reject).once('close', (code, signal) => resolve({ code, signal }));
  return promise;
}

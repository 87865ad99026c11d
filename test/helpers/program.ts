import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text as textOf } from 'node:stream/consumers';

import { expect, onTestFailed, onTestFinished } from 'vitest';

import { askRelay } from '../../src/control/ask-relay.ts';
import type { Status } from '../../src/control/protocol.ts';
import { faultsOf } from './schemas.ts';
import { closedPort } from './sockets.ts';

/** What runs the built programs: this Node, unless a project has another one. */
const [NODE = process.execPath, ...EMULATED] = process.env['TEST_NODE']?.split(' ') ?? [];

/** How many lines of a relay's log a failing test shows. */
const SHOWN = 100;

type Program = 'sallyport' | 'healthcheck';
type Environment = Readonly<Record<string, string>>;
type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** How a program ended, and all that it said. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** The built relay, running. */
export interface Sallyport {
  readonly process: ChildProcess;
  readonly runDir: string;
  /** The first log line with the message, now or later; rejects when the program ends without it. */
  readonly line: (message: string) => Promise<LogLine>;
  readonly lines: readonly LogLine[];
  /** The same, as they were written. */
  readonly written: readonly string[];
  readonly ended: Promise<Outcome>;
}

/**
 * Runs the built relay with nothing but this environment, and Node's options as its first line has them; killed with the test, which fails where a line of
 * the log is not as its schema says, and shows the log when it fails.
 */
export function startSallyport(
  environment: Environment,
  { options = optionsOf('sallyport') }: { readonly options?: readonly string[] | undefined } = {},
): Sallyport {
  const runDir = environment['SALLYPORT_RUN_DIR'] ?? temporaryDirectory();
  const child = start('sallyport', { ...environment, SALLYPORT_RUN_DIR: runDir }, { options });
  const lines: LogLine[] = [];
  const written: string[] = [];
  const waiters = new Set<() => void>();
  const { stdout } = child;
  if (stdout === null) throw new Error('no standard output');
  createInterface({ input: stdout }).on('line', (text) => {
    written.push(text);
    lines.push(JSON.parse(text) as LogLine);
    for (const wake of waiters) wake();
  });
  onTestFinished(() => expect(lines.flatMap((line) => faultsOf('log-line.json', line))).toEqual([]));
  onTestFailed(() => console.log(['the relay said:', ...written.slice(-SHOWN)].join('\n')));
  const ended = outcomeOf(child);

  const line = async (message: string) => {
    for (;;) {
      const found = lines.find(({ msg }) => msg === message);
      if (found !== undefined) return found;
      const woken = new Promise<null>((resolve) => waiters.add(() => resolve(null)));
      const outcome = await Promise.race([woken, ended]);
      if (outcome !== null && !lines.some(({ msg }) => msg === message)) {
        throw new Error(
          `the relay ended with ${outcome.code} before it said '${message}': ${outcome.output}`,
        );
      }
    }
  };
  return { process: child, runDir, line, lines, written, ended };
}

/** A relay to a target port of 127.0.0.1, once it listens; and the environment that its commands and its healthcheck need. */
export async function startRelayTo(target: number, environment: Environment = {}) {
  const port = await closedPort();
  const full = {
    TARGET: '127.0.0.1',
    PORT: `${port}:${target}`,
    SALLYPORT_RUN_DIR: temporaryDirectory(),
    ...environment,
  };
  const relay = startSallyport(full);
  await relay.line('listening');
  return { relay, port, environment: full };
}

/** Stops a relay; all its warnings, those that it has folded as often as they were meant. */
export async function stopForWarnings({ process, ended, lines }: Sallyport): Promise<readonly LogLine[]> {
  process.kill('SIGTERM');
  await ended;
  return lines
    .filter(({ level }) => level === 'warn')
    .flatMap((line) => Array.from({ length: Number(line['more'] ?? 1) }, () => line));
}

/** Runs the built healthcheck to its end with nothing but this environment. */
export async function runHealthcheck(environment: Environment): Promise<Outcome> {
  return outcomeOf(start('healthcheck', environment));
}

/** Runs a command of the built relay to its end with nothing but this environment. */
export async function runSallyport(args: readonly string[], environment: Environment): Promise<Outcome> {
  return outcomeOf(start('sallyport', environment, { args }));
}

/** As these, with its two streams apart. */
export async function runProgram(
  program: Program,
  args: readonly string[],
  environment: Environment = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = start(program, environment, { args });
  const [stdout, stderr, [code]] = await Promise.all([
    child.stdout === null ? '' : textOf(child.stdout),
    child.stderr === null ? '' : textOf(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

/** The status of the relay with this run directory, which is as its schema says. */
export async function statusIn(runDir: string): Promise<Status> {
  const status = await askRelay(runDir, { timeout: 5_000 });
  if (status === null) throw new Error(`there is no control socket in ${runDir}`);
  expect(faultsOf('status.json', status)).toEqual([]);
  return status;
}

/** A directory of its own; removed with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The options that the first line of a built program has for Node. */
export function optionsOf(program: Program): readonly string[] {
  const [first = ''] = readFileSync(fileOf(program), 'utf8').split('\n', 1);
  return first.split(' ').slice(1);
}

function fileOf(program: Program): string {
  return join(import.meta.dirname, `../../dist/${program}.js`);
}

function start(
  program: Program,
  environment: Environment,
  {
    args = [],
    options = optionsOf(program),
  }: { readonly args?: readonly string[]; readonly options?: readonly string[] | undefined } = {},
): ChildProcess {
  const child = spawn(NODE, [...EMULATED, ...options, fileOf(program), ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import type { Asked } from './arguments.ts';

/** How it is started on a target: the command, and its words before libFuzzer's own. */
export type Start = readonly [command: string, ...words: string[]];

/** What a run has come to. */
export interface Told {
  readonly inputs: number;
  readonly branches: number;
  readonly corpus: number;
  /** The input that broke a promise; null for none. */
  readonly find: string | null;
  /** What was written beside progress: of a find, what it broke. */
  readonly rest: string;
  readonly hasFailed: boolean;
}

interface Folders {
  /** Where new inputs are put. */
  readonly fresh: string;
  /** What it begins with. */
  readonly kept: string;
  readonly finds: string;
}

/** Of an input, in bytes: a browser's ClientHello, or two requests with content. */
const MAX_LENGTH = 2_048;
/** What an input may take, in ms of time, as a busy machine has it, and MiB of memory, the fuzzer's own included. */
const [MAX_TIME, MAX_MEMORY] = [10_000, 1_024];
/** In ms. */
const REPORT_EVERY = 30_000;
const JAZZER = join(import.meta.dirname, 'jazzer.mjs');
/** What is neither progress nor about a find. */
const NOISE =
  /^(INFO:|Skip loading|Dictionary:|MS:|0x|artifact_prefix|Base64:|== Jazzer|  Exclusively|  To enable|$)/;

/** How to start it with a Node on a compiled target, where the branches are that it is to follow. */
export function startOf(node: string, target: string, source: string): Start {
  const options = ['--includes', source, '--disableBugDetectors', '.*', '--timeout', `${MAX_TIME}`];
  return [node, '--no-warnings', JAZZER, target, ...options];
}

/** Fuzzes for as long as is asked, or up to the first find; `report` is told how far it is. */
export async function fuzz(
  [command, ...words]: Start,
  { minutes, seed }: Asked,
  { fresh, kept, finds, report }: Folders & { readonly report: (told: Told) => void },
): Promise<Told> {
  const options = [
    `-seed=${seed}`,
    `-max_total_time=${Math.ceil(minutes * 60)}`,
    `-max_len=${MAX_LENGTH}`,
    `-rss_limit_mb=${MAX_MEMORY}`,
    `-artifact_prefix=${finds}/`,
  ];
  const child = spawn(command, [...words, fresh, kept, '--', ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: environmentOf(command),
  });
  const startedAt = Date.now();
  const ended = once(child, 'close') as Promise<[number | null]>;
  let told: Told = { inputs: 0, branches: 0, corpus: 0, find: null, rest: '', hasFailed: false };
  let reportAt = Date.now() + REPORT_EVERY;
  for await (const line of createInterface(child.stderr)) {
    told = follow(told, line);
    if (Date.now() < reportAt) continue;
    reportAt += REPORT_EVERY;
    report(told);
  }
  const [code] = await ended;
  // It does not always come to write where it has put it.
  const find = newestIn(finds, startedAt);
  return { ...told, find, hasFailed: code !== 0 };
}

/** The file that was written last since then; null for none. */
function newestIn(directory: string, since: number): string | null {
  const files = readdirSync(directory).map((name) => join(directory, name));
  const timeOf = (file: string) => statSync(file).mtimeMs;
  return files.filter((file) => timeOf(file) >= since).toSorted((a, b) => timeOf(b) - timeOf(a))[0] ?? null;
}

function follow(told: Told, line: string): Told {
  const [, inputs, branches, corpus] = /^#(\d+)\t.* cov: (\d+) .*corp: (\d+)\//.exec(line) ?? [];
  if (inputs !== undefined)
    return { ...told, inputs: Number(inputs), branches: Number(branches), corpus: Number(corpus) };
  const [, done] = /Done (\d+) runs/.exec(line) ?? [];
  if (done !== undefined) return { ...told, inputs: Number(done) };
  return NOISE.test(line) ? told : { ...told, rest: `${told.rest}${line}\n` };
}

/** Has it put those inputs that reach branches which no other does, the smallest for each, with those that are there. Throws what it says. */
export function merge(
  [command, ...words]: Start,
  { from, into }: { readonly from: string; readonly into: string },
): void {
  // A branch counts once, however often an input takes it.
  const options = ['-merge=1', '-use_counters=0', `-max_len=${MAX_LENGTH}`];
  const { status, stderr } = spawnSync(command, [...words, into, from, '--', ...options], {
    encoding: 'utf8',
    env: environmentOf(command),
  });
  if (status !== 0) throw new Error(`inputs cannot be merged:\n${stderr}`);
}

/** For jazzer.mjs. */
function environmentOf(node: string): NodeJS.ProcessEnv {
  return { ...process.env, FUZZ_NODE: node };
}

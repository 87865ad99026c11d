import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runToEnd } from '../world/launch.ts';
import type { Run } from './load.ts';

/** Of questions, how many may stay without an answer, or have a bad one. */
const MAX_FAILED = 0.001;
/** dnsperf sends the first ones in a burst, while it starts. */
const WARM_UP = 500;

/** Runs dnsperf as one client that asks for the A records of names in turn, and resolves with what it prints. */
export async function dnsperf(
  { world, started, seconds }: Run,
  { names, args }: { readonly names: readonly string[]; readonly args: readonly string[] },
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-bench-dnsperf-'));
  try {
    const questions = join(directory, 'questions');
    writeFileSync(questions, names.map((name) => `${name} A\n`).join(''));
    const asked = ['-s', started.address, '-p', String(started.port), '-d', questions];
    const pace = ['-c', '1', '-T', '1', '-l', String(seconds), ...args];
    return await runToEnd(world.client, ['dnsperf', ...asked, ...pace], { seconds });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Answers a second, from dnsperf's statistics. Throws where too many questions have failed: what is lost must not count as fast. */
export function answersOf(output: string): { readonly answers: number; readonly perSecond: number } {
  const number = (pattern: RegExp) => Number(pattern.exec(output)?.[1]);
  const answers = number(/NOERROR (\d+)/);
  const perSecond = answers / number(/Run time \(s\): +([\d.]+)/);
  expectAnswers(answers, number(/Queries sent: +(\d+)/));
  return { answers, perSecond };
}

/** Percentiles of the latencies that dnsperf tells of each question with `-v`, those of its start left out, in µs. Throws likewise. */
export function latenciesOf(output: string): { readonly p50: number; readonly p99: number } {
  const all = Array.from(output.matchAll(/^> NOERROR .* ([\d.]+)$/gm), ([, seconds]) => Number(seconds));
  expectAnswers(all.length, output.match(/^> /gm)?.length ?? 0);
  const sorted = all.slice(WARM_UP).toSorted((a, b) => a - b);
  const percentile = (part: number) => (sorted[Math.floor(part * (sorted.length - 1))] ?? NaN) * 1e6;
  return { p50: percentile(0.5), p99: percentile(0.99) };
}

function expectAnswers(answers: number, questions: number): void {
  if (!(answers > 0 && answers >= (1 - MAX_FAILED) * questions))
    throw new Error(`${answers} of ${questions} questions have an answer without an error`);
}

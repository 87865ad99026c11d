import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import { askRelay } from '../../src/control/ask-relay.ts';
import type { Slope } from '../judge/slope.ts';
import { readProcess } from '../measure/process.ts';
import { type Metric, Series } from '../measure/series.ts';

const PROGRAM = join(import.meta.dirname, '../../dist/sallyport.js');
const COLLECT = join(import.meta.dirname, '../measure/collect.cjs');

/** What a door is, before it runs. */
export interface DoorSpec {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Of Node, beside those of the program's first line. */
  readonly nodeOptions?: readonly string[];
}

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly err?: unknown;
}

/** A built relay that is stopped, killed and started again, and what was measured of it. */
export class Door {
  readonly name: string;
  readonly #spec: DoorSpec;
  readonly #wrong: (message: string) => void;
  readonly #directory: string;
  readonly #waiters = new Set<(line: LogLine) => void>();
  #child: ChildProcess | null = null;
  #isMeantToEnd = false;
  /** Resolves with its exit code, null where a signal has ended it. */
  #ended: Promise<number | null> = Promise.resolve(null);
  #heaps = new Map<string, number>();
  series = new Series();
  #starts = 0;

  /** `wrong` is told when it ends by itself, or logs an error. */
  constructor(spec: DoorSpec, wrong: (message: string) => void) {
    this.name = spec.name;
    this.#spec = spec;
    this.#wrong = wrong;
    this.#directory = mkdtempSync(join(tmpdir(), 'sallyport-soak-'));
  }

  get pid(): number {
    return this.#child?.pid ?? NaN;
  }

  /** Resolves once it listens; rejects when it ends before. */
  async start(): Promise<void> {
    const { environment, nodeOptions = [] } = this.#spec;
    const options = [...firstLine(), '--expose-gc', '--require', COLLECT, ...nodeOptions];
    const child = spawn(process.execPath, [...options, PROGRAM], {
      env: { SALLYPORT_RUN_DIR: this.#directory, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      detached: true, // a terminal's SIGINT is for the soak alone
    });
    this.#child = child;
    this.#isMeantToEnd = false;
    this.series = new Series();
    this.#starts++;
    this.#heaps = new Map();
    let said = '';
    child.stderr?.on('data', (text: Buffer) => (said += text.toString()));
    this.#ended = once(child, 'close').then(([code, signal]) => {
      if (!this.#isMeantToEnd) this.#wrong(`${this.name} ended by itself with ${code ?? signal}`);
      if (said !== '') this.#wrong(`${this.name} said: ${said.trim()}`);
      return code as number | null;
    });
    if (child.stdout === null) throw new Error('no standard output');
    createInterface({ input: child.stdout }).on('line', (text) => this.#takeLine(text));
    createInterface({ input: child.stdio[3] as Readable }).on('line', (text) => this.#takeHeap(text));
    await this.line('listening');
  }

  /** Resolves with the next line of its log with this message; rejects when it ends before. */
  async line(message: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const take = ({ msg }: LogLine) => void (msg === message && resolve());
    this.#waiters.add(take);
    void this.#ended.then(() => reject(new Error(`${this.name} ended before it said '${message}'`)));
    return promise.finally(() => this.#waiters.delete(take));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends it by a signal; resolves with its exit code once it has ended. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    this.#isMeantToEnd = true;
    this.#child?.kill(signal);
    return this.#ended;
  }

  /** Has nobody read its log, or read it again. */
  readLog(isRead: boolean): void {
    if (isRead) this.#child?.stdout?.resume();
    else this.#child?.stdout?.pause();
  }

  measure(): void {
    const told = readProcess(this.pid);
    if (told === null) return;
    this.series.add('rss', told.rss);
    this.series.add('descriptors', told.descriptors);
  }

  /** Null of too few values, and of a door that was started again: it is warming up. */
  slope(metric: Metric): Slope | null {
    return this.#starts > 1 ? null : this.series.slope(metric);
  }

  descriptors(): number {
    return readProcess(this.pid)?.descriptors ?? NaN;
  }

  /** How many clients it has and how many wait, as it says itself. */
  async clients(): Promise<number> {
    const status = await askRelay(this.#directory, { timeout: 30_000 });
    return (status?.ports ?? []).reduce((sum, { live, waiting }) => sum + live + waiting, 0);
  }

  /** At once, whatever it is about; with its files. */
  dispose(): void {
    this.#isMeantToEnd = true;
    this.#child?.kill('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #takeLine(text: string): void {
    const line = JSON.parse(text) as LogLine;
    if (['error', 'fatal'].includes(line.level)) this.#wrong(`${this.name} logs ${text}`);
    for (const take of this.#waiters) take(line);
  }

  /** Of all threads together. */
  #takeHeap(text: string): void {
    const [thread = '', bytes] = text.split(' ');
    this.#heaps.set(thread, Number(bytes));
    if (thread !== '0') return;
    this.series.add(
      'heap',
      [...this.#heaps.values()].reduce((sum, each) => sum + each, 0),
    );
  }
}

/** Node's options as the built program has them. */
function firstLine(): readonly string[] {
  const [first = ''] = readFileSync(PROGRAM, 'utf8').split('\n', 1);
  return first.split(' ').slice(1);
}

import { inWords } from '../lib/message-of.ts';
import { Bursts } from './bursts.ts';
import { LineBudget } from './line-budget.ts';
import { type Field, type SomeFields, TELLING } from './lines.ts';
import type { Log, Writer } from './log.ts';

type Level = keyof Log;

/** A log whose size clients, targets and nameservers cannot choose. */
export interface FoldingLog extends Log {
  /** Lines left out since the start, beyond what a source or all sources may write; repeats are not among them. */
  readonly dropped: number;
  /** Logs what has been counted so far. */
  flush: () => void;
  /** Names that are sources of their own, from now on. */
  list: (names: readonly string[]) => void;
}

/** Who or what has caused a line: a client's address, a name that was resolved, or a port. */
type Source = Pick<SomeFields, 'client' | 'name' | 'port'>;

/** What is still told of lines beyond the budget. */
const TELLING_BEYOND: readonly Field[] = ['rule', 'decision'];
const OTHERS = 'others';

/** Refusals and failures, which are always logged. */
const WARNINGS = { perSource: { burst: 20, rate: 0.2 }, inAll: { burst: 100, rate: 10 } };
/** The ends of connections, for which VERBOSE asks. */
const ENDINGS = { perSource: { burst: 500, rate: 50 }, inAll: { burst: 2_000, rate: 200 } };

/**
 * Bounds what others can cause to be logged. The first of several same warnings is logged at once, and how many more came within 10 s after them.
 * Lines beyond the budget are counted by their source and rule, or by their rule alone where all sources together are beyond it. Lines without a
 * source are passed on as they are. There is no timer while there is nothing to be logged.
 *
 * Only lines that were granted are told apart, so that the budget bounds the memory too. Names that are not listed (those below wildcards)
 * are one source, as clients choose them.
 */
export function foldRepeats(log: Writer): FoldingLog {
  return new Folding(log);
}

class Folding implements FoldingLog {
  readonly #log: Writer;
  readonly #bursts: Bursts;
  readonly #budgets = {
    client: new LineBudget(WARNINGS),
    name: new LineBudget(WARNINGS),
    port: new LineBudget(WARNINGS),
    ending: new LineBudget(ENDINGS),
  };
  #listed: ReadonlySet<string> = new Set();
  #dropped = 0;

  constructor(log: Writer) {
    this.#log = log;
    this.#bursts = new Bursts(log);
  }

  get dropped(): number {
    return this.#dropped;
  }

  list(names: readonly string[]): void {
    this.#listed = new Set(names);
  }

  flush(): void {
    this.#bursts.flush();
  }

  warn(fields: SomeFields, message: string, times?: number): void {
    this.#write('warn', fields, message, times);
  }

  info(fields: SomeFields, message: string): void {
    this.#write('info', fields, message);
  }

  debug(fields: SomeFields, message: string): void {
    this.#write('debug', fields, message);
  }

  #write(level: Level, fields: SomeFields, message: string, times = 1): void {
    const now = performance.now();
    this.#bursts.closeExpired(now);
    const kind = kindOf(fields);
    if (kind === null) return this.#log[level](fields, message);

    const source = this.#sourceOf(kind, fields);
    const line = { level, message, common: commonOf(source, fields) };
    const key = level === 'warn' && kind !== 'port' ? keyOf(message, line.common) : null;
    if (key !== null && this.#bursts.has(key)) return this.#bursts.count(key, line, { now, times });

    const budget = this.#budgets[kind === 'client' && level !== 'warn' ? 'ending' : kind];
    const verdict = budget.take(String(source[kind]));
    if (verdict === 'granted') {
      if (key !== null) this.#bursts.open(key, line, now);
      this.#log[level](fields, message);
      if (times > 1) this.#write(level, fields, message, times - 1);
      return;
    }
    this.#dropped += times;
    const spent = verdict === 'source spent' ? source : others(kind);
    const beyond = { ...spent, ...pick(fields, TELLING_BEYOND) };
    const keyBeyond = JSON.stringify(['beyond', level, message, beyond]);
    this.#bursts.count(keyBeyond, { level, message, common: beyond }, { now, times });
  }

  #sourceOf(kind: keyof Source, { client, name, port }: SomeFields): Source {
    if (kind === 'client') return { client: addressOf(client) };
    if (kind === 'name') return { name: this.#listed.has(String(name)) ? name : OTHERS };
    return { port };
  }
}

/** What repeats of a warning about a client have in common, as a key; null for any other. */
export function keyOfRepeats(fields: SomeFields, message: string): string | null {
  if (kindOf(fields) !== 'client') return null;
  return keyOf(message, commonOf({ client: addressOf(fields.client) }, fields));
}

/** What warnings of one source have in common when they are the same. */
function commonOf(source: Source, fields: SomeFields): SomeFields {
  return { ...source, ...pick(fields, TELLING) };
}

function keyOf(message: string, common: SomeFields): string {
  return JSON.stringify([message, common]);
}

/** Those of a kind together: names and clients are text, and a port is a number on every line. */
function others(kind: keyof Source): Source {
  return kind === 'port' ? {} : { [kind]: OTHERS };
}

/** Of a client, without its port. */
function addressOf(client: unknown): string {
  return String(client).replace(/:\d+$/, '');
}

function kindOf({ client, name, port }: SomeFields): keyof Source | null {
  if (typeof client === 'string') return 'client';
  if (typeof name === 'string') return 'name';
  return port === undefined ? null : 'port';
}

function pick(fields: SomeFields, names: readonly Field[]): SomeFields {
  const picked = names.filter((name) => name in fields).map((name) => [name, fields[name]]);
  return inWords(Object.fromEntries(picked));
}

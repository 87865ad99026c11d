import { inWords } from '../lib/message-of.ts';
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

/** Lines that are counted instead of being written. */
interface Burst {
  readonly level: Level;
  readonly message: string;
  /** What all of them have in common. */
  readonly common: SomeFields;
  readonly startedAt: number;
  /** How many have not been written. */
  more: number;
  timer: NodeJS.Timeout | undefined;
}

/** Who or what has caused a line: a client's address, a name that was resolved, or a port. */
type Source = Pick<SomeFields, 'client' | 'name' | 'port'>;

/** How long lines are counted, in ms. */
const WINDOW = 10_000;
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
  /** The oldest first. */
  const bursts = new Map<string, Burst>();
  const budgets = {
    client: new LineBudget(WARNINGS),
    name: new LineBudget(WARNINGS),
    port: new LineBudget(WARNINGS),
    ending: new LineBudget(ENDINGS),
  };
  let listed: ReadonlySet<string> = new Set();
  let dropped = 0;

  function write(level: Level, fields: SomeFields, message: string, times = 1): void {
    const now = performance.now();
    closeExpired(now);
    const kind = kindOf(fields);
    if (kind === null) return log[level](fields, message);

    const source = sourceOf(kind, fields);
    const common = commonOf(source, fields);
    const key = level === 'warn' && kind !== 'port' ? keyOf(message, common) : null;
    if (key !== null && bursts.has(key)) return count(key, { level, message, common }, { now, times });

    const budget = budgets[kind === 'client' && level !== 'warn' ? 'ending' : kind];
    const verdict = budget.take(String(source[kind]));
    if (verdict === 'granted') {
      if (key !== null) open(key, { level, message, common }, now);
      log[level](fields, message);
      if (times > 1) write(level, fields, message, times - 1);
      return;
    }
    dropped += times;
    const spent = verdict === 'source spent' ? source : others(kind);
    const beyond = { ...spent, ...pick(fields, TELLING_BEYOND) };
    count(
      JSON.stringify(['beyond', level, message, beyond]),
      { level, message, common: beyond },
      { now, times },
    );
  }

  function open(key: string, of: Pick<Burst, 'level' | 'message' | 'common'>, now: number): Burst {
    const burst = { ...of, startedAt: now, more: 0, timer: undefined };
    bursts.set(key, burst);
    return burst;
  }

  function count(
    key: string,
    of: Pick<Burst, 'level' | 'message' | 'common'>,
    { now, times }: { readonly now: number; readonly times: number },
  ): void {
    const burst = bursts.get(key) ?? open(key, of, now);
    burst.more += times;
    burst.timer ??= setTimeout(() => close(key, burst), burst.startedAt + WINDOW - now);
  }

  function close(key: string, { level, message, common, startedAt, more, timer }: Burst): void {
    bursts.delete(key);
    clearTimeout(timer);
    const seconds = Math.ceil(Math.min(performance.now() - startedAt, WINDOW) / 1_000);
    if (more > 0) log[level]({ ...common, more }, `${message} ${more} more in ${seconds} s`);
  }

  function closeExpired(now: number): void {
    for (const [key, burst] of bursts) {
      if (now - burst.startedAt < WINDOW) return;
      close(key, burst);
    }
  }

  function sourceOf(kind: keyof Source, { client, name, port }: SomeFields): Source {
    if (kind === 'client') return { client: addressOf(client) };
    if (kind === 'name') return { name: listed.has(String(name)) ? name : OTHERS };
    return { port };
  }

  return {
    warn: (fields, message, times) => write('warn', fields, message, times),
    info: (fields, message) => write('info', fields, message),
    debug: (fields, message) => write('debug', fields, message),
    get dropped() {
      return dropped;
    },
    list(names) {
      listed = new Set(names);
    },
    flush() {
      for (const [key, burst] of bursts) close(key, burst);
    },
  };
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

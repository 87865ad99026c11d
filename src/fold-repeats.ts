import type { Log } from './log.ts';
import { messageOf } from './message-of.ts';

/** A log that says a burst of the same in two lines. */
export interface FoldingLog extends Log {
  /** Says what has been folded so far. */
  flush: () => void;
}

/** Of one event: the first has been said. */
interface Burst {
  readonly message: string;
  /** What all of them have in common. */
  readonly common: object;
  readonly startedAt: number;
  /** How many have come since. */
  more: number;
  timer: NodeJS.Timeout | undefined;
}

/** How long repeats are counted after the first, in ms. */
const WINDOW = 10_000;
/** So many bursts are told apart at a time, as clients' addresses can be made up; beyond, those with one message are one. */
const MAX_BURSTS = 1_000;
/** What makes two events the same, beside the message and the client's address without its port. */
const TELLING = ['port', 'target', 'name', 'rule', 'reason', 'decision', 'err'] as const;

/**
 * Folds bursts of the same warning about one client: the first is said at once, and how many more came within 10 s is said after them. There is
 * no timer while there are no more.
 */
export function foldRepeats(log: Log): FoldingLog {
  /** The oldest first. */
  const bursts = new Map<string, Burst>();

  function warn(fields: object, message: string, times = 1): void {
    const now = performance.now();
    closeExpired(now);
    const { client, common, key } = describeRepeat(fields, message);
    if (client === null) return log.warn(fields, message);

    const isCrowded = bursts.size >= MAX_BURSTS && !bursts.has(key);
    const place = isCrowded ? message : key;
    const burst = bursts.get(place);
    if (burst === undefined) {
      const shared = isCrowded ? { client: 'others' } : common;
      bursts.set(place, { message, common: shared, startedAt: now, more: 0, timer: undefined });
      log.warn(fields, message);
      if (times > 1) warn(fields, message, times - 1);
      return;
    }
    burst.more += times;
    burst.timer ??= setTimeout(() => close(place, burst), burst.startedAt + WINDOW - now);
  }

  function close(place: string, { message, common, startedAt, more, timer }: Burst): void {
    bursts.delete(place);
    clearTimeout(timer);
    const seconds = Math.ceil(Math.min(performance.now() - startedAt, WINDOW) / 1_000);
    if (more > 0) log.warn({ ...common, more }, `${message} ${more} more in ${seconds} s`);
  }

  function closeExpired(now: number): void {
    for (const [place, burst] of bursts) {
      if (now - burst.startedAt < WINDOW) return;
      close(place, burst);
    }
  }

  return {
    warn,
    info: (fields, message) => log.info(fields, message),
    debug: (fields, message) => log.debug(fields, message),
    flush() {
      for (const [place, burst] of bursts) close(place, burst);
    },
  };
}

/** What a warning about a client (null if about none) has in common with its repeats, and a key that is the same for all of them. */
export function describeRepeat(fields: object, message: string) {
  const known = fields as Readonly<Record<string, unknown>>;
  const { client } = known;
  if (typeof client !== 'string') return { client: null, common: {}, key: message };
  const address = client.replace(/:\d+$/, '');
  const telling = TELLING.filter((name) => name in known).map((name) => {
    const value = known[name];
    return [name, value instanceof Error ? messageOf(value) : value];
  });
  const common = { client: address, ...(Object.fromEntries(telling) as object) };
  return { client: address, common, key: JSON.stringify([message, common]) };
}

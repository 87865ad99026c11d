import type { Field, Fields, Lines, Message } from './lines.ts';
import type { Log } from './log.ts';

/** A log that puts these fields in front of those of each line. */
export function withFields<F extends Field>(log: Log, given: Pick<Fields, F>): Log<F> {
  const all = <M extends Message>(fields: Lines<F>[M]) => ({ ...given, ...fields }) as Lines[M];
  return {
    warn: (fields, message, times) => log.warn(all(fields), message, times),
    info: (fields, message) => log.info(all(fields), message),
    debug: (fields, message) => log.debug(all(fields), message),
  };
}

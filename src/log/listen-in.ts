import type { SomeFields } from './lines.ts';
import type { Log } from './log.ts';

/** A log of which somebody is told each warning, and how often it has happened, before it is written. */
export function listenIn(
  log: Log,
  onWarning: (fields: SomeFields, message: string, times: number) => void,
): Log {
  return {
    warn: (fields, message, times = 1) => {
      onWarning(fields, message, times);
      log.warn(fields, message, times);
    },
    info: (fields, message) => log.info(fields, message),
    debug: (fields, message) => log.debug(fields, message),
  };
}

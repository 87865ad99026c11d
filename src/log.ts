import { pino } from 'pino';

import { messageOf } from './message-of.ts';

/** The part of a logger that is handed down: fields first, then the message. */
export interface Log {
  warn: (fields: object, message: string) => void;
  info: (fields: object, message: string) => void;
  debug: (fields: object, message: string) => void;
}

export type Logger = ReturnType<typeof createLog>;

/** One JSON line for each event on standard output, written at once. Payload is never among the fields. */
export function createLog(level: string) {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: messageOf },
  });
}

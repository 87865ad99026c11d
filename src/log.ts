import { pino } from 'pino';

import { describeLine } from './describe-line.ts';
import { messageOf } from './message-of.ts';
import { visible } from './visible.ts';

/** The part of a logger that is handed down: fields first, then the message. */
export interface Log {
  /** `times`: how often it has happened, once if it is not said. */
  warn: (fields: object, message: string, times?: number) => void;
  info: (fields: object, message: string) => void;
  debug: (fields: object, message: string) => void;
}

/**
 * One JSON line for each event on standard output, written at once; on a terminal, one that people can read. Nothing in it can steer a terminal
 * that shows it. Payload is never among the fields.
 */
export function createLog(level: string, stdout: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>) {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: messageOf },
    hooks: { streamWrite: (line: string) => `${visible(line.trimEnd())}\n` },
  };
  return stdout.isTTY
    ? pino(options, { write: (line) => void stdout.write(`${describeLine(line)}\n`) })
    : pino(options);
}

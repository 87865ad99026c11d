import { pino } from 'pino';

import { messageOf } from '../lib/message-of.ts';
import { visible } from '../lib/visible.ts';
import { describeLine } from './describe-line.ts';
import { LineOutput } from './line-output.ts';

/** The part of a logger that is handed down: fields first, then the message. */
export interface Log {
  /** `times`: how often it has happened, once if it is not said. */
  warn: (fields: object, message: string, times?: number) => void;
  info: (fields: object, message: string) => void;
  debug: (fields: object, message: string) => void;
}

/**
 * A log of one JSON line for each event, written to the descriptor at once; on a terminal, of lines that people can read. Nothing in it can steer a
 * terminal that shows it, and payload is never among the fields. A gap in the output is logged as soon as it can be written to again.
 */
export function createLog(level: string, fd: number) {
  const output = new LineOutput(fd, (gap) =>
    log.warn({ ...gap }, `${gap.lines} lines dropped: standard output could not be written`),
  );
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: messageOf },
    hooks: { streamWrite: (line: string) => `${visible(line.trimEnd())}\n` },
  };
  const log = pino(options, {
    write: (line) => output.write(output.isTerminal ? `${describeLine(line)}\n` : line),
  });
  return { log, output };
}

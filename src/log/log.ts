import { pino } from 'pino';

import { messageOf } from '../lib/message-of.ts';
import { visible } from '../lib/visible.ts';
import { describeLine } from './describe-line.ts';
import { LineOutput } from './line-output.ts';
import type { Field, Lines, Message, SomeFields } from './lines.ts';

/** The part of a logger that is handed down: the fields that the message's kind of line has, then the message. It adds those that are `Given` itself. */
export interface Log<Given extends Field = never> {
  /** `times`: how often it has happened, once if it is not said. */
  warn: <M extends Message>(fields: Lines<Given>[M], message: M, times?: number) => void;
  info: <M extends Message>(fields: Lines<Given>[M], message: M) => void;
  debug: <M extends Message>(fields: Lines<Given>[M], message: M) => void;
}

/** The log of what listens on one port. */
export type PortLog = Log<'port' | 'protocol'>;

/** A log that takes whatever there is to say. */
export type Writer = Readonly<Record<keyof Log, (fields: SomeFields, message: string) => void>>;

interface RootLog extends Writer {
  readonly fatal: Log['info'];
}

/**
 * A log of one JSON line for each event, written to the descriptor at once; on a terminal, of lines that people can read. Nothing in it can steer a
 * terminal that shows it, and payload is never among the fields. A gap in the output is logged as soon as it can be written to again.
 */
export function createLog(level: string, fd: number): { readonly log: RootLog; readonly output: LineOutput } {
  const output = new LineOutput(fd);
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: messageOf } satisfies SomeFields,
    hooks: { streamWrite: (line: string) => `${visible(line.trimEnd())}\n` },
  };
  const log: RootLog = pino(options, {
    write: (line) => output.write(output.isTerminal ? `${describeLine(line)}\n` : line),
  });
  output.onGap = (gap) =>
    log.warn({ ...gap }, `${gap.lines} lines dropped: standard output could not be written`);
  return { log, output };
}

import { pino } from 'pino';

export type Logger = ReturnType<typeof createLog>;

/** One JSON line for each event on standard output, written at once. Payload is never among the fields. */
export function createLog(level: string) {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: (err: unknown) => (err instanceof Error ? err.message : String(err)) },
  });
}

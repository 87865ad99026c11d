import { UsageError } from '../lib/arguments.ts';
import { MAX_TIMEOUT } from '../lib/deadline.ts';

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads 500ms, 30s, 5m or 1h, into ms. Throws a UsageError. */
export function parseDuration(text: string): number {
  const [, count, unit = ''] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  const duration = Number(count) * (MILLISECONDS[unit] ?? NaN);
  if (duration >= 1 && duration <= MAX_TIMEOUT) return duration;
  throw new UsageError(`'${text}' is no duration: it takes 500ms, 30s, 5m or 1h, at most 24 days`);
}

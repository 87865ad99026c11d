import { messageOf } from '../src/lib/message-of.ts';

/** Why a probe failed, in one line. */
export function describe(cause: unknown, timeout: number): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.name === 'TimeoutError' || cause.name === 'AbortError') return `silent for ${timeout} ms`;
  return messageOf(cause).replaceAll(/\s+/g, ' ').trim();
}

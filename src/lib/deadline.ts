import { messageOf } from './message-of.ts';

/** The longest that a timer may take, in ms: Node fires at once beyond it. */
export const MAX_TIMEOUT = 2 ** 31 - 1;
/** Names of errors that mean that a time limit is over: ours, AbortSignal.timeout's, and that of Node's functions. */
const TIME_IS_UP: ReadonlySet<string> = new Set(['DeadlineError', 'TimeoutError', 'AbortError']);

/** Something took too long. */
export class DeadlineError extends Error {
  constructor(timeout: number) {
    super(`no answer within ${timeout} ms`);
    this.name = 'DeadlineError';
  }
}

/** Whether a reason is that something took too long, also in another thread. */
export function isDeadline(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'DeadlineError';
}

/** Why something failed that had `timeout` ms: that it was silent for so long, or what the error says. */
export function describeFailure(cause: unknown, timeout: number): string {
  const isSilent = cause instanceof Error && TIME_IS_UP.has(cause.name);
  return isSilent ? `silent for ${timeout} ms` : messageOf(cause);
}

const OVER = new Error('it is over');

/**
 * Runs what is to end within `timeout` ms (Infinity for no bound) and with `signal`: the signal that it gets aborts with a DeadlineError, with the
 * other's reason, or when it has run. One timer and one listener, both gone then: AbortSignal.any and AbortSignal.timeout outlive what they are for.
 */
export async function withDeadline<T>(
  { timeout, signal }: { readonly timeout: number; readonly signal: AbortSignal },
  run: (either: AbortSignal) => Promise<T>,
): Promise<T> {
  const either = new AbortController();
  const onAbort = () => either.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  const timer =
    timeout === Infinity ? undefined : setTimeout(() => either.abort(new DeadlineError(timeout)), timeout);
  try {
    return await run(either.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    either.abort(OVER);
  }
}

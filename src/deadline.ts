/** Something took too long. */
export class DeadlineError extends Error {
  constructor(timeout: number) {
    super(`no answer within ${timeout} ms`);
    this.name = 'DeadlineError';
  }
}

/**
 * Runs what is to end within `timeout` ms and with `signal`: the signal that it gets aborts with a DeadlineError, or with the other's reason.
 * One timer and one listener, both gone when it has run: AbortSignal.any and AbortSignal.timeout outlive what they are for.
 */
export async function withDeadline<T>(
  { timeout, signal }: { readonly timeout: number; readonly signal: AbortSignal },
  run: (either: AbortSignal) => Promise<T>,
): Promise<T> {
  const either = new AbortController();
  const onAbort = () => either.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  const timer = setTimeout(() => either.abort(new DeadlineError(timeout)), timeout);
  try {
    return await run(either.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** The signals that ask to stop: the first lets what lives finish, the second does not. No signal ends PID 1 by itself. */
export interface StopSignals {
  /** Resolves with the first signal's name. */
  readonly first: Promise<string>;
  /** Aborts with the second. */
  readonly second: AbortSignal;
}

/** Listens for SIGTERM and SIGINT from now on. */
export function listenForStop(process: NodeJS.Process): StopSignals {
  const { promise: first, resolve } = Promise.withResolvers<string>();
  const second = new AbortController();
  let isStopping = false;
  const stop = (signal: string) => {
    if (isStopping) second.abort(new Error(`a second signal, ${signal}`));
    isStopping = true;
    // What bare sockets have brought before it is taken in an immediate: a target that has been reached by then counts as reached.
    setImmediate(resolve, signal);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  return { first, second: second.signal };
}

/**
 * Has SIGUSR1 do nothing, from now on, instead of opening Node's debugger to whoever shares this process's network. The built programs' first line
 * has Node ignore it from its start (--disable-sigusr1); this is for those who run them otherwise.
 */
export function ignoreDebuggerSignal(process: NodeJS.Process): void {
  process.on('SIGUSR1', () => {});
}

/** Aborts with the first error that nobody has caught, from now on; a second ends the process as usual. */
export function listenForCrash(process: NodeJS.Process): AbortSignal {
  const crash = new AbortController();
  process.once('uncaughtException', (cause) => crash.abort(cause));
  return crash.signal;
}

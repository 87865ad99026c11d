/** Resolves with the first SIGTERM or SIGINT; a second one ends the process at once. No signal ends PID 1 by itself. */
export function stopSignal(process: NodeJS.Process): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let isStopping = false;
  const stop = (signal: string) => {
    if (isStopping) process.exit(0);
    isStopping = true;
    resolve(signal);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  return promise;
}

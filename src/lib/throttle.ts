/** Runs `run` when it is called, unless it did within the last `period` ms. Takes no timer. */
export function throttle<Args extends readonly unknown[]>(
  period: number,
  run: (...args: Args) => void,
): (...args: Args) => void {
  let ranAt = -Infinity;
  return (...args) => {
    const now = performance.now();
    if (now - ranAt < period) return;
    ranAt = now;
    run(...args);
  };
}

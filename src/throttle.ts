/** Runs `run` when it is called, unless it did within the last `period` ms. Takes no timer. */
export function throttle(period: number, run: () => void): () => void {
  let ranAt = -Infinity;
  return () => {
    const now = performance.now();
    if (now - ranAt < period) return;
    ranAt = now;
    run();
  };
}

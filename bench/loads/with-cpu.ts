import type { MetricId, Readings } from '../metrics.ts';
import type { Started } from '../peers/peer.ts';

/** Does work, and tells the CPU time that the peer's processes have used for each unit of it; null where there are none. */
export async function withCpu<T>(
  started: Started,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpu: number | null }> {
  const before = started.cpu();
  const result = await work();
  const after = started.cpu();
  return { result, cpu: before === null || after === null ? null : after - before };
}

/** A reading of CPU time by unit, none where there is no CPU time. */
export function cpuPer(metric: MetricId, cpu: number | null, units: number): Readings {
  return cpu === null ? {} : { [metric]: cpu / units };
}

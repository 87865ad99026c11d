import { setTimeout as wait } from 'node:timers/promises';

import type { Door } from '../doors/door.ts';
import { SAMPLE_EVERY } from './series.ts';

const MINUTE = 60_000;

/** Measures all doors every few seconds and tells when a minute is over, until the signal. */
export async function watch(
  doors: readonly Door[],
  { signal, onMinute }: { readonly signal: AbortSignal; readonly onMinute: (minute: number) => void },
): Promise<void> {
  const start = performance.now();
  let minute = 0;
  while (!signal.aborted) {
    for (const door of doors) door.measure();
    await wait(SAMPLE_EVERY * 1_000, undefined, { signal }).catch(() => {});
    const passed = Math.floor((performance.now() - start) / MINUTE);
    if (passed > minute || signal.aborted) onMinute((minute += 1));
  }
}

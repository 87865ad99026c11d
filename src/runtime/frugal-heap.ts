import { PerformanceObserver } from 'node:perf_hooks';
import { constrainedMemory } from 'node:process';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

import { throttle } from '../lib/throttle.ts';
import { openTrimOfC } from './trim-heap.ts';

/** Of a container, in bytes. */
const LITTLE = 128 * 2 ** 20;
/** How large the new space may become there, in bytes. */
const MAX_NEW_SPACE = 4 * 2 ** 20;
/** How much may be added to what lives before it is collected, in percent. */
const GROWTH = 20;
/** How often the C library gives back what it has freed, at most, in ms; it takes some 1 ms. */
const TRIM_EVERY = 1_000;

/**
 * Has V8 collect more often where there is little memory, and the C library give back what that has freed: V8 plans for 256 MB and more, and both together
 * would let a flood grow to several times what lives, until the kernel ends the process.
 */
export function keepHeapFrugal(): void {
  const memory = constrainedMemory(); // 0 where it is not known
  if (memory === 0 || memory > LITTLE) return;
  setFlagsFromString(`--heap-growing-percent=${GROWTH}`);
  const trimC = throttle(TRIM_EVERY, openTrimOfC());
  // Its largest size is set before V8 starts; but by which factor it grows is asked each time.
  new PerformanceObserver(() => {
    trimC();
    const size = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0;
    setFlagsFromString(`--semi-space-growth-factor=${size * 2 > MAX_NEW_SPACE ? 1 : 2}`);
  }).observe({ entryTypes: ['gc'] });
}

import { totalmem } from 'node:os';
import { constrainedMemory } from 'node:process';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import type { ResourceLimits } from 'node:worker_threads';

/**
 * How much of the container's memory the heaps of all workers may have together. The main thread may have as much (Dockerfile, NODE_OPTIONS); the rest is for
 * what lies outside of heaps.
 */
const SHARE = 0.4;
/** What a worker needs to start, 8 MB, and as much again, in bytes. */
const MIN_HEAP = 16 * 2 ** 20;
/** The part of a heap that is for what is new, as V8 has it by itself where there is 1 GB. */
const YOUNG = 1 / 8;
/** V8 has no more by itself, in MB. */
const MAX_YOUNG = 96;

/**
 * The largest heap for each of so many workers, by the container's memory or else the machine's; no larger than the main thread's own. V8 by itself allows each
 * thread 256 MB in the smallest container, and half of a larger one. Of a flag that says how large heaps may be, the workers that start from now on hear
 * nothing: it would win over these limits.
 */
export function shareHeap(workers: number): ResourceLimits {
  const memory = Math.min(constrainedMemory() || Infinity, totalmem());
  const share = Math.min((memory * SHARE) / workers, getHeapStatistics().heap_size_limit);
  const heap = Math.max(share, MIN_HEAP) / 2 ** 20;
  const young = Math.min(heap * YOUNG, MAX_YOUNG);
  setFlagsFromString('--max-old-space-size=0');
  return { maxYoungGenerationSizeMb: young, maxOldGenerationSizeMb: heap - young };
}

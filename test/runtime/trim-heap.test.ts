import { performance } from 'node:perf_hooks';
import { memoryUsage } from 'node:process';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { expect, onTestFinished, test, vi } from 'vitest';

import { type Kernel, openKernel } from '../../src/kernel/kernel.ts';
import { keepHeapTrimmed, openTrimOfC } from '../../src/runtime/trim-heap.ts';

const { lib } = (openKernel() as Kernel).calls;
const malloc = lib.getFunction('malloc', { arguments: ['uint64'], return: 'pointer' });
const memset = lib.getFunction('memset', { arguments: ['pointer', 'int32', 'uint64'], return: 'pointer' });
const free = lib.getFunction('free', { arguments: ['pointer'], return: 'void' });

const MB = 2 ** 20;
/** Of one piece: the C library maps larger ones each by itself, and unmaps them when they are freed (mallopt(3), M_MMAP_THRESHOLD). */
const PIECE = 64 * 1024;

/** Has the C library hold so much memory that is free: the last piece of it stays, and has it keep all that lies before. */
function holdFree(size: number): void {
  const pieces = Array.from({ length: size / PIECE }, () => {
    const piece = malloc(BigInt(PIECE));
    memset(piece, 1, BigInt(PIECE));
    return piece;
  });
  const last = pieces.pop() as bigint;
  for (const piece of pieces) free(piece);
  onTestFinished(() => free(last));
}

test('openTrimOfC() gives back what the C library has freed', () => {
  const trim = openTrimOfC();
  holdFree(128 * MB);
  const held = memoryUsage.rss();
  trim();
  expect(held - memoryUsage.rss()).toBeGreaterThan(100 * MB);
});

test('keepHeapTrimmed() gives back what a burst has left, 25 quiet seconds after V8 has collected', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const load = vi.spyOn(performance, 'eventLoopUtilization');
  onTestFinished(() => {
    vi.useRealTimers();
    load.mockRestore();
  });
  const utilization = (part: number) =>
    load.mockReturnValue({ idle: 1 - part, active: part, utilization: part });
  keepHeapTrimmed();
  holdFree(256 * MB);
  const held = memoryUsage.rss();
  for (let garbage: unknown[] = []; vi.getTimerCount() === 0; garbage = []) {
    for (let i = 0; i < 100_000; i++) garbage.push({ i });
    await nextTurn();
  }
  utilization(0.2);
  vi.advanceTimersByTime(25_000);
  utilization(0.05);
  vi.advanceTimersByTime(24_999);
  expect(held - memoryUsage.rss()).toBeLessThan(100 * MB);
  vi.advanceTimersByTime(1);
  expect(held - memoryUsage.rss()).toBeGreaterThan(200 * MB);
});

import { vi } from 'vitest';

/** Lets sockets and programs work until it is so, while fake timers stand still: expect.poll() would move them by its interval each time. */
export async function until(isSo: () => boolean): Promise<void> {
  await vi.waitUntil(isSo, { interval: 0, timeout: 10_000 });
}

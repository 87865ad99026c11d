import { type BigIntStats, readFileSync, statSync } from 'node:fs';

/** The kernel's clock for files stands still for up to 10 ms (CONFIG_HZ=100): a change within that may not show. In ms. */
const CLOCK_STEP = 20;

/**
 * What `parse` makes of a file, of '' where there is none. It is read anew when it has changed since; Docker rewrites its files in running containers.
 * Throws when it cannot be read.
 */
export function parsedFile<T>(path: string, parse: (text: string) => T): () => T {
  let known: { readonly version: string; readonly parsed: T } | null = null;

  return () => {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    const version = versionOf(stats);
    if (known?.version === version) return known.parsed;
    const parsed = parse(stats === undefined ? '' : readFileSync(path, 'utf8'));
    const isOld = stats === undefined || Date.now() - Number(stats.ctimeMs) > CLOCK_STEP;
    known = isOld ? { version, parsed } : null;
    return parsed;
  };
}

function versionOf(stats: BigIntStats | undefined): string {
  return stats === undefined ? 'none' : `${stats.dev} ${stats.ino} ${stats.size} ${stats.ctimeNs}`;
}

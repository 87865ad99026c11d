import { stat } from 'node:fs/promises';
import { setInterval as ticks } from 'node:timers/promises';

/** How often the file is looked at, in ms. */
const INTERVAL = 1_000;

/**
 * Calls back once what is at a path is found to stay the same from one look to the next, as whoever writes it is done then; and each time it has changed since.
 * The first time is for changes between the last reading and the first look. It is looked at once a second, as inotify(7) is not told of changes on the other
 * side of a mount (a virtual machine's host, NFS), or of a link further up that leads elsewhere (as in a Kubernetes ConfigMap). A mount that hangs holds up
 * nothing else. Resolves when the signal aborts.
 */
export async function watchFile(path: string, onChange: () => void, signal: AbortSignal): Promise<void> {
  let known: string | null = null;
  let last: string | null = null;
  try {
    for await (const _tick of ticks(INTERVAL, null, { signal, ref: false })) {
      const now = await look(path);
      if (now === last && now !== known) {
        known = now;
        onChange();
      }
      last = now;
    }
  } catch (cause) {
    if (!signal.aborted) throw cause;
  }
}

/** What changes with the file; empty where there is none. */
async function look(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
    return [dev, ino, size, mtimeMs, ctimeMs].join();
  } catch {
    return '';
  }
}

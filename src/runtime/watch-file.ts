import { statSync } from 'node:fs';

/** How often the file is looked at, in ms. */
const INTERVAL = 1_000;

/**
 * Calls back when what is at a path has changed, and has stayed so from one look to the next: whoever writes it is done then. It is looked at once a second, as
 * inotify(7) is not told of changes on the other side of a mount (a virtual machine's host, NFS), or of a link further up that leads elsewhere (as in a
 * Kubernetes ConfigMap).
 */
export function watchFile(path: string, onChange: () => void, signal: AbortSignal): void {
  let known = look(path);
  let last = known;
  const timer = setInterval(() => {
    const now = look(path);
    if (now === last && now !== known) {
      known = now;
      onChange();
    }
    last = now;
  }, INTERVAL).unref();
  signal.addEventListener('abort', () => clearInterval(timer));
}

/** What changes with the file; empty where there is none. */
function look(path: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(path);
    return [dev, ino, size, mtimeMs, ctimeMs].join();
  } catch {
    return '';
  }
}

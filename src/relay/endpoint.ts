import { unmapped } from '../lib/unmapped.ts';

/** `1.2.3.4:80` or `[::1]:80`. */
export function endpoint(address = '?', port = 0): string {
  const shown = unmapped(address);
  return shown.includes(':') ? `[${shown}]:${port}` : `${shown}:${port}`;
}

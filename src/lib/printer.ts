import type { Io } from './arguments.ts';
import { visible } from './visible.ts';

/**
 * Prints lines on a console. Whatever a program prints for people passes here, and in none of it is anything that a terminal obeys: the names in it
 * may be chosen by a client, a nameserver or a target.
 */
export function createPrinter({
  log,
  error,
}: Pick<Console, 'log' | 'error'>): Pick<Io, 'print' | 'printError'> {
  const join = (lines: readonly string[]) => lines.map(visible).join('\n');
  return {
    print: (...lines) => log(join(lines)),
    printError: (...lines) => error(join(lines)),
  };
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { startDaemon } from './daemon.ts';
import type { Namespace } from './namespaces.ts';

const PROGRAMS = join(import.meta.dirname, '../../dist');

/** The built programs, in a namespace and with these variables. */
export function builtPrograms(namespace: Namespace, env: Readonly<Record<string, string>>) {
  const program = (name: string, ...args: readonly string[]) =>
    [process.execPath, join(PROGRAMS, `${name}.js`), ...args] as const;
  return {
    /** Starts the relay, by another program where there is a prefix. Resolves when it listens. */
    start: async (...prefix: readonly string[]) => {
      const [command = '', ...args] = [...prefix, ...program('sallyport')];
      return startDaemon(...namespace.wrap(command, args), { env, ready: '"listening"' });
    },
    /** Resolves with what a program says on both its outputs, however it ends. */
    run: async (...which: Parameters<typeof program>) => {
      const [command, ...args] = program(...which);
      const ran = promisify(execFile)(...namespace.wrap(command, args), { env });
      return ran.catch((failed: { readonly stdout: string; readonly stderr: string }) => failed);
    },
  };
}

import { join } from 'node:path';

/** The command that runs one of bench/programs. */
export function nodeProgram(
  name: string,
  ...args: readonly (string | number)[]
): readonly [string, ...string[]] {
  return [process.execPath, join(import.meta.dirname, `../programs/${name}.ts`), ...args.map(String)];
}

// `npm run mutants -- wire`: breaks src/wire line by line, and lists what no test in test/wire notices. `--sample N`: N in a thousand of its breaks.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { exit } from 'node:process';
import { parseArgs } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { sample: { type: 'string', default: '1000' } },
});
const [folder = ''] = positionals;
if (folder === '' || !['src', 'test'].every((of) => existsSync(join(ROOT, of, folder)))) {
  console.error(
    `npm run mutants -- FOLDER: '${folder}' is none that src and test both have, such as wire or dns`,
  );
  exit(1);
}
// Stryker is a package of its own: with it, `npm ci` would take half as long again for everybody. Vitest is the repository's.
run('npm', ['ci', '--prefix', import.meta.dirname, '--legacy-peer-deps']);
run(join(import.meta.dirname, 'node_modules/.bin/stryker'), [
  'run',
  join(import.meta.dirname, 'stryker.config.mjs'),
]);

function run(command: string, args: readonly string[]): void {
  const env = { ...process.env, MUTANTS_OF: folder, MUTANTS_SAMPLE: values.sample };
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', env });
  if (status !== 0) exit(status ?? 1);
}

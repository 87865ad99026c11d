// `npm run mutants -- wire`: breaks src/wire line by line, and lists what no test in test/wire notices.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { argv, exit } from 'node:process';

const ROOT = join(import.meta.dirname, '../..');

const [folder = ''] = argv.slice(2);
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
  const env = { ...process.env, MUTANTS_OF: folder };
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', env });
  if (status !== 0) exit(status ?? 1);
}

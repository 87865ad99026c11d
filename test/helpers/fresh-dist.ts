import { globSync, statSync } from 'node:fs';

import { repository, run } from './run.ts';

/** All that `npm run build` reads of this repository. */
const SOURCES = [
  '{src,healthcheck}/**/*.{ts,html}',
  'scripts/licences.ts',
  'package.json',
  'package-lock.json',
];
const PROGRAMS = 'dist/*.js';

/** Builds what tests are about to run, if it is older than its sources. Throws what the build has to say if it fails. */
export default async function buildWhereStale(): Promise<void> {
  const sources = timesOf(SOURCES);
  const programs = timesOf(PROGRAMS);
  if (programs.length > 0 && Math.min(...programs) > Math.max(...sources)) return;
  const { code, output } = await run('npm', ['run', 'build']);
  if (code !== 0) throw new Error(`dist/ is older than src/, and 'npm run build' has failed:\n${output}`);
}

/** When the files were last written, in ms. */
function timesOf(patterns: string | readonly string[]): readonly number[] {
  return globSync(patterns, { cwd: repository }).map((file) => statSync(`${repository}/${file}`).mtimeMs);
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { build, type BuildOptions, type Plugin } from 'esbuild';

/**
 * Compiles a file and all of the repository that it imports to CommonJS, as the fuzzer cannot read TypeScript; returns where the file is then. Each stays a
 * file of its own, so that the fuzzer can be told to follow src/ and not the readers that it is compared with.
 */
export async function compile(
  entry: string,
  { root, into }: Record<'root' | 'into', string>,
): Promise<string> {
  const options: BuildOptions = {
    absWorkingDir: root,
    outdir: into,
    outbase: root,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'cjs',
    logLevel: 'warning',
  };
  const { metafile } = await build({ ...options, entryPoints: [entry], write: false, metafile: true });
  await build({ ...options, entryPoints: Object.keys(metafile.inputs), plugins: [APART] });
  writeFileSync(join(into, 'package.json'), JSON.stringify({ type: 'commonjs' }));
  return join(into, entry.replace(/\.ts$/, '.js'));
}

const APART: Plugin = {
  name: 'a file for each',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^\./ }, ({ kind, path }) =>
      kind === 'entry-point' ? null : { path: path.replace(/\.ts$/, '.js'), external: true },
    );
  },
};

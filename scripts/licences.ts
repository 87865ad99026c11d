// Writes the licence of each package that esbuild's metafile has in a bundle, with its name and version: MIT, ISC and Apache-2.0 want their text with each
// copy. Fails for a package without one. Arguments: the metafile, which it takes away, and the file to write.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [metafile = '', output = ''] = process.argv.slice(2);
const { inputs } = JSON.parse(readFileSync(metafile, 'utf8')) as { readonly inputs: object };
const packages = new Set(
  Object.keys(inputs).flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []),
);

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly license: string;
  };
  const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|notice|copying)\b/i.test(file));
  if (files.length === 0) throw new Error(`${name} has no file with its licence`);
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [`${name} ${version} (${license})`, ...texts].join('\n\n');
}

const rule = `\n\n${'-'.repeat(80)}\n\n`;
writeFileSync(output, `${[...packages].toSorted().map(licenceOf).join(rule)}\n`);
rmSync(metafile);

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the fuzzer's binary is linked with. */
const NEEDED = '2.38';
const RELEASE = 'trixie';
const PACKAGES = ['libc6', 'libstdc++6', 'libgcc-s1'];
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * A Node that can load the fuzzer's binary: this one, or where its C library is too old, a command that starts it with Debian 13's, which apt fetches into
 * `directory` once. Throws where there is no such library to be had.
 */
export function nodeFor(directory: string): string {
  if (process.platform !== 'linux') return process.execPath;
  const { glibcVersionRuntime: version = '' } = (process.report.getReport() as Report).header;
  if (version.localeCompare(NEEDED, 'en', { numeric: true }) >= 0) return process.execPath;
  const node = join(directory, 'node');
  if (existsSync(node)) return node;
  console.log(`glibc is ${version || 'missing'}, and the fuzzer needs ${NEEDED}: fetching that of Debian 13`);
  const root = fetchLibraries(directory);
  const [loader] = globSync(join(root, 'usr/lib/*/ld-linux-*.so.*'));
  if (loader === undefined) throw new Error(`there is no loader in ${root}`);
  const libraries = join(loader, '..');
  writeFileSync(
    node,
    `#!/bin/sh\nexec '${loader}' --library-path '${libraries}' '${process.execPath}' "$@"\n`,
  );
  chmodSync(node, 0o755);
  return node;
}

interface Report {
  readonly header: { readonly glibcVersionRuntime?: string };
}

/** With lists of its own, so that it needs no root and changes nothing of the machine's. */
function fetchLibraries(directory: string): string {
  const lists = join(directory, 'lists');
  const sources = join(directory, 'sources.list');
  const root = join(directory, 'root');
  for (const each of [lists, root]) mkdirSync(each, { recursive: true });
  writeFileSync(sources, `deb [signed-by=${KEYRING}] http://deb.debian.org/debian ${RELEASE} main\n`);
  const options = [
    `Dir::Etc::SourceList=${sources}`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${lists}`,
    `Dir::Cache=${directory}`,
    'Dir::State::status=/dev/null',
    // Its own user could not write here.
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  run('apt-get', ['-qq', ...options, 'update'], directory);
  run('apt-get', ['-qq', ...options, 'download', ...PACKAGES], directory);
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.deb')))
    run('dpkg-deb', ['-x', join(directory, file), root], directory);
  return root;
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command} cannot fetch ${PACKAGES.join(', ')}`, { cause: error });
}

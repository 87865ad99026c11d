import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type Finished, run } from './run.ts';

interface Options {
  /** The URL of a directory that has packages and their list. */
  readonly source: string;
  readonly settings?: Readonly<Record<string, string>>;
}

/** An apt of its own, which has this source alone and knows nothing of the system's; and how to run its programs, in its directory. */
export function startApt(
  root: string,
  { source, settings = {} }: Options,
): (program: 'apt-get' | 'apt-cache', ...args: readonly string[]) => Promise<Finished> {
  const conf = join(root, 'etc/apt/apt.conf');
  for (const directory of ['etc/apt/apt.conf.d', 'state/lists/partial', 'cache/archives/partial'])
    mkdirSync(join(root, directory), { recursive: true });
  writeFileSync(join(root, 'status'), '');
  writeFileSync(join(root, 'etc/apt/sources.list'), `deb [trusted=yes] ${source} ./\n`);
  const all = {
    Dir: `${root}/`,
    'Dir::State': 'state/',
    'Dir::State::status': join(root, 'status'),
    'Dir::Cache': 'cache/',
    // Its own user may not read here.
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '0',
    ...settings,
  };
  writeFileSync(
    conf,
    Object.entries(all)
      .map(([name, value]) => `${name} "${value}";\n`)
      .join(''),
  );
  // Read before all others, it also says where these are.
  const env = { PATH: process.env['PATH'], HOME: root, LC_ALL: 'C', APT_CONFIG: conf };
  return (program, ...args) => run(program, args, { env, cwd: root, timeout: 20_000 });
}

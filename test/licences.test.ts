import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

const REPOSITORY = join(import.meta.dirname, '..');

interface Locked {
  readonly license?: string;
  readonly dev?: boolean;
}

function packagesIn(lockFile: string) {
  const lock = JSON.parse(readFileSync(join(REPOSITORY, lockFile), 'utf8')) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  return Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, { license = 'none', dev = false }]) => ({
      name: path.replace(/^.*node_modules\//, ''),
      license,
      dev,
    }));
}

const packages = packagesIn('package-lock.json');
/** Of what is installed only by who asks for it. */
const TOOLS = globSync('scripts/*/package-lock.json', { cwd: REPOSITORY });

/** What goes into the programs, whose own licence is Apache-2.0. */
const SHIPPED = new Set(['Apache-2.0', 'ISC', 'MIT', 'MIT-0']);
/** What tests and the build use besides, and nobody is given. */
const USED = new Set([
  ...SHIPPED,
  '0BSD',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '(BSD-2-Clause OR MIT OR Apache-2.0)',
  // Of data, which goes nowhere.
  'CC-BY-4.0',
  'CC0-1.0',
  'MPL-2.0',
  'Unlicense',
]);
/** Under MIT by a file of their own, which the lock file does not tell. */
const UNTOLD = new Set(['buildcheck', 'cpu-features', 'ssh2']);

test('what is shipped has a licence that goes with ours', () => {
  const shipped = packages.filter(({ dev }) => !dev);
  expect(shipped.length).toBeGreaterThan(10);
  expect(shipped.filter(({ license }) => !SHIPPED.has(license))).toEqual([]);
});

test('what is used to build and to test has a licence that lets us', () => {
  expect(TOOLS.length).toBeGreaterThan(1);
  const others = [...packages, ...TOOLS.flatMap(packagesIn)].filter(
    ({ license, name }) => !USED.has(license) && !UNTOLD.has(name),
  );
  expect(others).toEqual([]);
});

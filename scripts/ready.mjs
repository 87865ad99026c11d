// Runs before the demo, the tests, the benchmarks and the soak, on the machine's own Node, 20 or newer: says what is missing before anything is downloaded
// in vain, then has npm install the dependencies where nobody has yet. Among them is the Node 26 that everything else runs on. npm has no hook of
// its own for that: it runs `preinstall` when all is installed.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What npm's builds of Node 26 for Linux are linked with and slim images of Debian do not have. */
const LIBRARY = 'libatomic.so.1';

/**
 * Whether the dynamic loader (ld.so(8)) cannot find a shared library, wherever it looks for them here. Where there is no such loader, none is missing.
 *
 * @param {string} library
 */
export function isMissing(library) {
  const { stderr } = spawnSync(process.execPath, ['--version'], {
    env: { ...process.env, LD_PRELOAD: library },
    encoding: 'utf8',
  });
  return stderr.includes(library);
}

/** npm's builds are for glibc; on musl they need a stand-in for it, which may bring the library. */
function isGlibc() {
  const report = process.report.getReport();
  return 'glibcVersionRuntime' in (typeof report === 'string' ? JSON.parse(report) : report).header;
}

/**
 * Runs the npm that runs this script; returns its exit code.
 *
 * @param {string[]} words
 */
function npm(...words) {
  const { npm_execpath: program = '' } = process.env;
  return spawnSync(process.execPath, [program, ...words], { stdio: 'inherit' }).status ?? 1;
}

function main() {
  if (process.platform === 'linux' && isMissing(LIBRARY) && isGlibc()) {
    console.error(
      `Node 26, which npm installs here, needs ${LIBRARY}: install it first, on Debian and Ubuntu by 'apt-get install libatomic1', on Fedora by 'dnf install libatomic'.`,
    );
    return 1;
  }
  if (!existsSync('node_modules')) {
    const status = npm('ci');
    if (status !== 0) return status;
  }
  // npm 10, which comes with Node 20, leaves out the link to an optional dependency's program.
  const node = `node-${process.platform}-${process.arch}`;
  if (!existsSync(`node_modules/${node}`) || existsSync('node_modules/.bin/node')) return 0;
  return npm('rebuild', '--ignore-scripts', node);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(main());

// Lays out what a web server needs to stand for a package registry and a git server: the package `hello`, and a
// repository of the same name, as files.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';

const SOURCE = '/tmp/hello';
const REGISTRY = '/srv/registry.example.com/hello';
const GIT = '/srv/git.example.com';

const manifest = { name: 'hello', version: '1.0.0', main: 'index.js' };
const run = (command, ...args) => execFileSync(command, args, { cwd: SOURCE, encoding: 'utf8' });

mkdirSync(SOURCE, { recursive: true });
mkdirSync(`${REGISTRY}/-`, { recursive: true });
mkdirSync(GIT, { recursive: true });
writeFileSync(`${SOURCE}/package.json`, JSON.stringify(manifest));
writeFileSync(`${SOURCE}/index.js`, "module.exports = () => 'hello from a package';\n");

const [{ filename, integrity }] = JSON.parse(
  run('npm', 'pack', '--json', '--pack-destination', `${REGISTRY}/-`),
);
const dist = { integrity, tarball: `https://registry.example.com/hello/-/${filename}` };
const listing = {
  name: 'hello',
  'dist-tags': { latest: '1.0.0' },
  versions: { '1.0.0': { ...manifest, dist } },
};
writeFileSync(`${REGISTRY}/index.json`, JSON.stringify(listing));

const author = ['-c', 'user.name=demo', '-c', 'user.email=demo@example.com'];
run('git', 'init', '--quiet', '--initial-branch=main');
run('git', 'add', '.');
run('git', ...author, 'commit', '--quiet', '--message=hello');
run('git', 'clone', '--quiet', '--bare', '.', `${GIT}/hello.git`);
run('git', '--git-dir', `${GIT}/hello.git`, 'update-server-info');

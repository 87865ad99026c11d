import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { startApt } from '../helpers/apt.ts';
import { startGitServer } from '../helpers/git-server.ts';
import { startNginx } from '../helpers/nginx.ts';
import { startNpmRegistry } from '../helpers/npm-registry.ts';
import { temporaryDirectory } from '../helpers/program.ts';
import { asLast, expectFaithful, type RecordedDoor, startRecordedDoor } from '../helpers/recorder.ts';
import { run } from '../helpers/run.ts';
import { closedPort } from '../helpers/sockets.ts';

/** A program's run at home, without a proxy unless it is told of one. */
function programAt(home: string) {
  return (command: string, args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
    run(command, args, {
      env: { PATH: process.env['PATH'], HOME: home, LC_ALL: 'C', ...more },
      cwd: home,
      timeout: 20_000,
    });
}

test('git pushes and clones through the door', async () => {
  const [root, home] = [temporaryDirectory(), temporaryDirectory()];
  const door = await startRecordedDoor(await startGitServer(root));
  const program = programAt(home);
  const git = async (...args: readonly string[]) => {
    const settings = ['user.name=Tester', 'user.email=tester@api.test', 'init.defaultBranch=main'];
    const { code, stdout, output } = await program(
      'git',
      [...settings.flatMap((setting) => ['-c', setting]), ...args],
      {
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
      },
    );
    expect({ args, code, output: code === 0 ? '' : output }).toEqual({ args, code: 0, output: '' });
    return stdout;
  };
  const url = door.url('/repo.git');
  await git('init', '--quiet', '--bare', join(root, 'repo.git'));
  await git('clone', '--quiet', url, 'origin');
  const commit = async (file: string, content: Buffer) => {
    writeFileSync(join(home, 'origin', file), content);
    await git('-C', 'origin', 'add', file);
    await git('-C', 'origin', 'commit', '--quiet', '--message', `Add ${file}`);
  };
  await commit('small', Buffer.from('hello\n'));
  await git('-C', 'origin', 'push', '--quiet', 'origin', 'main');
  // More than git keeps in memory goes in chunks.
  const large = randomBytes(2 * 1_024 * 1_024);
  await commit('large', large);
  await git('-C', 'origin', '-c', 'http.postBuffer=65536', 'push', '--quiet', 'origin', 'main');
  await git('clone', '--quiet', url, 'copy');
  expect(await git('-C', 'copy', 'log', '--format=%s')).toBe('Add large\nAdd small\n');
  expect(readFileSync(join(home, 'copy/large')).equals(large)).toBe(true);

  const { sent } = await expectFaithful(door, { sent: asLast });
  const inChunks = /POST \S+git-receive-pack HTTP\/1\.1\r\n(?:.+\r\n)*Transfer-Encoding: chunked\r\n/;
  expect(inChunks.test(sent)).toBe(true);
  await expectRefused(door, async () => (await program('git', ['clone', elsewhere(url)])).output);
});

test('npm publishes and installs through the door', async () => {
  const home = temporaryDirectory();
  const door = await startRecordedDoor(await startNpmRegistry());
  const registry = door.url('/');
  const settings = [
    'audit=false',
    'fund=false',
    'update-notifier=false',
    'fetch-retries=0',
    `registry=${registry}`,
  ];
  const token = `${registry.replace('http:', '')}:_authToken=secret`;
  writeFileSync(join(home, '.npmrc'), [...settings, token, ''].join('\n'));
  const manifest = { name: 'greeting', version: '1.0.0' };
  for (const directory of ['greeting', 'app']) mkdirSync(join(home, directory));
  writeFileSync(join(home, 'greeting/package.json'), JSON.stringify(manifest));
  writeFileSync(join(home, 'greeting/large'), randomBytes(1_024 * 1_024));

  const npm = (...args: readonly string[]) => programAt(home)('npm', args);
  expect(await npm('publish', './greeting')).toMatchObject({ code: 0, stdout: '+ greeting@1.0.0\n' });
  const added = { code: 0, output: expect.stringContaining('added 1 package') };
  expect(await npm('install', 'greeting', '--prefix', 'app')).toMatchObject(added);
  const installed = join(home, 'app/node_modules/greeting');
  expect(JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))).toEqual(manifest);
  expect(readFileSync(join(installed, 'large')).equals(readFileSync(join(home, 'greeting/large')))).toBe(
    true,
  );

  await expectFaithful(door, { sent: asLast });
  const other = ['--registry', elsewhere(registry)];
  await expectRefused(door, async () => (await npm('view', 'greeting', ...other)).output);
});

test('apt updates and downloads through the door', async () => {
  const directory = temporaryDirectory();
  const root = join(directory, 'apt');
  mkdirSync(root);
  const port = await closedPort();
  await startNginx(directory, `access_log off; server { listen 127.0.0.1:${port}; root ${directory}; }`);
  const packages = Array.from({ length: 12 }, (_, i) => ({
    name: `p${i}`,
    content: randomBytes(1_000 * i + 1),
  }));
  const paragraphs = packages.map(({ name, content }) => {
    const hash = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(root, `${name}.deb`), content);
    const identity = [`Package: ${name}`, 'Version: 1.0', 'Architecture: all', `Filename: ./${name}.deb`];
    return [...identity, `Size: ${content.length}`, `SHA256: ${hash}`, ''].join('\n');
  });
  writeFileSync(join(root, 'Packages'), paragraphs.join('\n'));

  const home = temporaryDirectory();
  const door = await startRecordedDoor(port);
  const apt = startApt(home, { source: door.url('/apt') });
  for (const _ of ['at first', 'again'])
    expect(await apt('apt-get', 'update', '--error-on=any')).toMatchObject({ code: 0 });
  const names = packages.map(({ name }) => name);
  expect(await apt('apt-get', 'download', ...names)).toMatchObject({ code: 0 });
  const downloaded = readdirSync(home).filter((file) => file.endsWith('.deb'));
  expect(downloaded).toHaveLength(packages.length);
  await expectFaithful(door);
  const aptElsewhere = startApt(temporaryDirectory(), { source: elsewhere(door.url('/apt')) });
  await expectRefused(door, async () => (await aptElsewhere('apt-get', 'update')).output);
});

/** The same place by a name that is not in TARGET. */
function elsewhere(url: string): string {
  return url.replace('localhost', '127.0.0.1');
}

/** Expects that nobody has been refused yet, but that a program is when it asks elsewhere. */
async function expectRefused({ relay, take }: RecordedDoor, ask: () => Promise<string>): Promise<void> {
  const warnings = () => relay.lines.filter(({ level }) => level !== 'info').map(({ name }) => name);
  expect(warnings()).toEqual([]);
  expect(await ask()).toMatch(/\b403\b/);
  expect((await take()).inside).toEqual([]);
  expect(new Set(warnings())).toEqual(new Set(['127.0.0.1']));
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import manifest from '../../package.json' with { type: 'json' };
import { runProgram } from '../helpers/program.ts';

const COMMANDS = ['compose', 'resolve', 'check', 'status', 'names', 'blackout'];

/** What the program says and how it ends, without an environment. */
const sallyport = (...args: string[]) => runProgram('sallyport', args);
const healthcheck = (...args: string[]) => runProgram('healthcheck', args);

test('sallyport --help lists every command', async () => {
  const { code, stdout, stderr } = await sallyport('--help');
  expect([code, stderr]).toEqual([0, '']);
  const [, commands = ''] = /Commands:\n((?: {2}.*\n)+)/.exec(stdout) ?? [];
  expect(commands.match(/(?<=^ {2})\S+/gm)).toEqual(['(none)', ...COMMANDS]);
});

test('docs/commands.md lists every command', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/commands.md'), 'utf8');
  expect(page.match(/(?<=^\| `sallyport )\w+(?=` \|)/gm)?.toSorted()).toEqual(COMMANDS.toSorted());
});

test.each(COMMANDS)('sallyport %s tells its use and version', async (command) => {
  const { code, stdout, stderr } = await sallyport(command, '--help');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(new RegExp(`^Usage: sallyport ${command} `));
  expect(await sallyport(command, '--version')).toEqual(said(`sallyport ${manifest.version}`));
});

test('sallyport tells its version', async () => {
  expect(await sallyport('--version')).toEqual(said(`sallyport ${manifest.version}`));
});

test.each([
  [['resolv'], "unknown command 'resolv': did you mean resolve?"],
  [['status', '--jsn'], "unknown option '--jsn': did you mean --json?"],
  [['chekc'], "unknown command 'chekc': did you mean check?"],
  [['check', '--json'], "unknown option '--json': there is --help, --version, --all"],
  [['blackout'], 'blackout takes on|off|status: what to do; status changes nothing'],
  [['blackout', 'offf'], "unknown argument 'offf': did you mean off?"],
  [['blackout', 'on', '--for', '30'], "'30' is no duration: it takes 500ms, 30s, 5m or 1h, at most 24 days"],
  [['blackout', 'off', '--drain'], "--drain and --for go with 'blackout on' only"],
  [['blackout', 'status', '--for=1s'], "--drain and --for go with 'blackout on' only"],
  [
    ['compose'],
    "compose takes RULE...: entries of TARGET, such as api.github.com:443, '*.s3.amazonaws.com' or logs.example.com:514/udp",
  ],
  [['compose', 'a.test', '--poxy'], "unknown option '--poxy': did you mean --proxy?"],
  [
    ['compose', 'a.test:80', 'a.test:80'],
    'the configuration has a problem:\nTARGET: a.test:80/tcp is listed twice',
  ],
  [['--verison'], "unknown option '--verison': did you mean --version?"],
  [['resolve', 'help'], "unknown argument 'help': did you mean --help?"],
])('sallyport ends with 78 at %j, and names the nearest known word', async (args, problem) => {
  expect(await sallyport(...args)).toEqual({ code: 78, stdout: '', stderr: `sallyport: ${problem}\n` });
});

test('healthcheck tells its use and version', async () => {
  const { code, stdout, stderr } = await healthcheck('-h');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^Usage: healthcheck \[options\]\n/);
  expect(await healthcheck('--version')).toEqual(said(`healthcheck ${manifest.version}`));
});

test('healthcheck refuses an argument, with one of the two codes that Docker knows', async () => {
  expect(await healthcheck('--hlep')).toEqual({
    code: 1,
    stdout: '',
    stderr: "healthcheck: unknown option '--hlep': did you mean --help?\n",
  });
});

function said(line: string) {
  return { code: 0, stdout: `${line}\n`, stderr: '' };
}

import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { type Command, runProgram, UsageError } from '../../src/lib/arguments.ts';

/** Runs a program with three commands; what was asked of which, and what was printed. */
async function run(...args: string[]) {
  const asked: Record<string, Parameters<Command['run']>[0]> = {};
  const printed: string[] = [];
  const command = (name: string | null, rest: Partial<Command> = {}): Command => ({
    name,
    summary: `does ${name}`,
    options: {},
    run: async (each) => {
      asked[name ?? 'nothing'] = each;
      return 7;
    },
    ...rest,
  });
  const commands = [
    command(null),
    command('status', { options: { json: { type: 'boolean', summary: 'as JSON' } } }),
    command('switch', {
      words: ['on', 'off'],
      options: { for: { type: 'string', short: 'f', summary: 'how long' } },
    }),
  ];
  const program = { name: 'door', version: '1.2.3', summary: 'Opens.', epilogue: 'More.', commands };
  const print = (...lines: readonly string[]) => printed.push(lines.join('\n'));
  const code = await runProgram(program, args, { environment: {}, print, printError: print });
  return { code, asked, printed };
}

test.each([
  [[], { nothing: { options: {}, word: null } }],
  [['status'], { status: { options: {}, word: null } }],
  [['status', '--json'], { status: { options: { json: true }, word: null } }],
  [['switch', 'on'], { switch: { options: {}, word: 'on' } }],
  [['switch', '--for', '30s', 'off'], { switch: { options: { for: '30s' }, word: 'off' } }],
  [['switch', 'off', '-f30s'], { switch: { options: { for: '30s' }, word: 'off' } }],
])('runProgram() runs what %j asks for, and hands its exit code on', async (args, asked) => {
  expect(await run(...args)).toEqual({ code: 7, asked, printed: [] });
});

test.each([
  [['statsu'], "unknown command 'statsu': did you mean status?"],
  [['stat'], "unknown command 'stat': did you mean status?"],
  [['frobnicate'], "unknown command 'frobnicate': there is status, switch"],
  [[''], "unknown command '': there is status, switch"],
  [['--hepl'], "unknown option '--hepl': did you mean --help?"],
  [['-help'], "unknown option '-help': did you mean --help?"],
  [['-x'], "unknown option '-x': there is --help, --version"],
  [['--help', 'status'], "unknown argument 'status': there is --help, --version"],
  [['status', '--jsno=1'], "unknown option '--jsno': did you mean --json?"],
  [['status', '--for', '1'], "unknown option '--for': there is --help, --version, --json"],
  [['status', 'json'], "unknown argument 'json': did you mean --json?"],
  [['status', 'api.example.com'], "unknown argument 'api.example.com': there is --help, --version, --json"],
  [['status', '--', '--json'], "unknown argument '--json': did you mean --json?"],
  [['status', '--constructor'], "unknown option '--constructor': there is --help, --version, --json"],
  [['status', '--json=yes'], "Option '--json' does not take an argument"],
  [['switch', 'on', '--for'], "Option '-f, --for <value>' argument missing"],
  [['switch', 'offf'], "unknown argument 'offf': did you mean off?"],
  [['switch', 'on', 'off'], "unknown argument 'off': there is --help, --version, --for"],
  [['switch'], 'switch takes one of on, off'],
])('runProgram() refuses %j', async (args, message) => {
  await expect(run(...args)).rejects.toThrow(new UsageError(message));
});

test.each([[['--help']], [['-h']]])('runProgram() describes the program (%j)', async (args) => {
  expect(await run(...args)).toEqual({
    code: 0,
    asked: {},
    printed: [
      [
        'Usage: door [command] [options]',
        '',
        'Opens.',
        '',
        'Commands:',
        '  (none)  does null',
        '  status  does status',
        '  switch  does switch',
        '',
        'Options:',
        '  -h, --help     show this',
        '      --version  show the version',
        '',
        'More.',
      ].join('\n'),
    ],
  });
});

test('runProgram() describes a command, with its words and options', async () => {
  const { code, printed } = await run('switch', '-h');
  expect([code, printed.join('\n').split('\n')]).toEqual([
    0,
    [
      'Usage: door switch on|off [options]',
      '',
      'does switch',
      '',
      'Options:',
      '  -f, --for <value>  how long',
      '  -h, --help         show this',
      '      --version      show the version',
    ],
  ]);
});

test.each([[['--version']], [['status', '--version']], [['switch', '--version']]])(
  'runProgram() tells the version (%j)',
  async (args) => {
    expect(await run(...args)).toEqual({ code: 0, asked: {}, printed: ['door 1.2.3'] });
  },
);

test('runProgram() runs a command, prints, or refuses in words of its own, whatever the arguments', async () => {
  const words = fc.constantFrom('status', 'switch', 'on', '--json', '--for', '--', '-h', '--__proto__=1');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(words, fc.string())), async (args) => {
      const outcome = await run(...args).catch((error: unknown) =>
        error instanceof UsageError ? null : error,
      );
      expect(outcome).not.toBeInstanceOf(Error);
    }),
  );
});

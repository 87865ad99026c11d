import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { type Command, runProgram, UsageError } from '../../src/lib/arguments.ts';

/** Runs a program with four commands; what was asked of which, and what was printed. */
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
      operands: { usage: 'on|off', summary: 'which', min: 1, max: 1, words: ['on', 'off'] },
      options: { for: { type: 'string', short: 'f', summary: 'how long' } },
    }),
    command('admit', {
      operands: { usage: 'NAME...', summary: 'names, such as a.test', min: 1, max: 2 },
      options: { in: { type: 'boolean', summary: 'not out' } },
    }),
  ];
  const program = { name: 'door', version: '1.2.3', summary: 'Opens.', epilogue: 'More.', commands };
  const print = (...lines: readonly string[]) => printed.push(lines.join('\n'));
  const code = await runProgram(program, args, { environment: {}, print, printError: print });
  return { code, asked, printed };
}

test.each([
  [[], { nothing: { options: {}, operands: [] } }],
  [['status'], { status: { options: {}, operands: [] } }],
  [['status', '--json'], { status: { options: { json: true }, operands: [] } }],
  [['switch', 'on'], { switch: { options: {}, operands: ['on'] } }],
  [['switch', '--for', '30s', 'off'], { switch: { options: { for: '30s' }, operands: ['off'] } }],
  [['switch', 'off', '-f30s'], { switch: { options: { for: '30s' }, operands: ['off'] } }],
  [['admit', 'a.test', '--in', 'b'], { admit: { options: { in: true }, operands: ['a.test', 'b'] } }],
  [['admit', '--', '--in'], { admit: { options: {}, operands: ['--in'] } }],
])('runProgram() runs what %j asks for, and hands its exit code on', async (args, asked) => {
  expect(await run(...args)).toEqual({ code: 7, asked, printed: [] });
});

test.each([
  [['statsu'], "unknown command 'statsu': did you mean status?"],
  [['stat'], "unknown command 'stat': did you mean status?"],
  [['frobnicate'], "unknown command 'frobnicate': there is status, switch, admit"],
  [[''], "unknown command '': there is status, switch, admit"],
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
  [['switch'], 'switch takes on|off: which'],
  [['admit', '--in'], 'admit takes NAME...: names, such as a.test'],
  [['admit', 'a', 'b', 'c'], "unknown argument 'c': there is --help, --version, --in"],
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
        '  admit   does admit',
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
      'Arguments:',
      '  on|off  which',
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
